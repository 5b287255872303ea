using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>
/// Two balancers on two hosts (network namespaces) share a virtual address through keepalived, with the files of <c>deploy/keepalived</c>.
/// </summary>
[Collection(RunsAlone.Name)]
public sealed class PairTests
{
    [Fact]
    public async Task Kill_ActiveBalancer_FailsOnlyItsRequestsInFlight()
    {
        await using var pair = await BalancerPair.StartAsync();
        await using var load = new Load(BalancerPair.Port, pair.Address);
        await load.EveryClientAsync();
        var (active, fault) = (await pair.ActiveAsync(), load.Now);
        await pair.KillAsync(active);
        var gone = load.Now;
        await load.EveryClientAsync();

        var report = await ReportAsync(load, fault, "kill -9 of the active balancer of a pair");
        Assert.NotEqual(active, await pair.ActiveAsync());
        // Each connection has at most one request in flight.
        Assert.InRange(report.Failures.Count, 0, Load.Connections);
        Assert.All(report.Failures, sample => Assert.True(sample.Sent <= gone && sample.Ended >= fault, sample.ToString()));
        Assert.Empty(report.Moved);
    }

    [Fact]
    public async Task Leave_ActiveBalancer_FailsNoRequest()
    {
        await using var pair = await BalancerPair.StartAsync();
        await using var load = new Load(BalancerPair.Port, pair.Address);
        await load.EveryClientAsync();
        var (active, fault) = (await pair.ActiveAsync(), load.Now);
        await pair.LeaveAsync(active);
        await load.EveryClientAsync();

        var report = await ReportAsync(load, fault, "SIGTERM of the active balancer of a pair");
        Assert.NotEqual(active, await pair.ActiveAsync());
        report.AssertNoFailure();
        Assert.Empty(report.Moved);
    }

    [Fact]
    public async Task Cut_ActiveHost_LeavesTheOtherServingWithTheSameOrders()
    {
        await using var pair = await BalancerPair.StartAsync();
        var active = await pair.ActiveAsync();
        // An order at one balancer reaches the other.
        await pair.DrainAsync(active, node: 0);
        await using var load = new Load(BalancerPair.Port, pair.Address);
        await load.EveryClientAsync();
        var fault = load.Now;
        pair.Cut(active);
        await load.EveryClientAsync();

        var report = await ReportAsync(load, fault, "the active host of a pair loses its network");
        Assert.InRange(report.Failures.Count, 0, Load.Connections);
        Assert.Empty(report.Moved);
        Assert.DoesNotContain(report.After(fault).Values, node => node == BalancerPair.NodeName(0));
    }

    private static async Task<FaultReport> ReportAsync(Load load, TimeSpan fault, string scenario)
    {
        var report = new FaultReport(await load.StopAsync(), fault);
        report.Note(scenario, 0, string.Create(CultureInfo.InvariantCulture, $", {report.LongestSilence.TotalSeconds:0.00} s without any response"));
        return report;
    }
}
