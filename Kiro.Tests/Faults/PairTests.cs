using System.Globalization;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>
/// Two balancers on two hosts (network namespaces) share an address by keepalived, with the files of <c>deploy/keepalived</c>.
/// </summary>
[Collection(RunsAlone.Name)]
public sealed class PairTests
{
    [Fact]
    public async Task Kill_TheActiveOne_OnlyItsRequestsInFlightFail()
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
        // A connection has one request in flight at most.
        Assert.InRange(report.Failures.Count, 0, Load.Connections);
        Assert.All(report.Failures, answer => Assert.True(answer.Sent <= gone && answer.Ended >= fault, answer.ToString()));
        Assert.Empty(report.Moved);
    }

    [Fact]
    public async Task Leave_TheActiveOne_NoRequestFails()
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
    public async Task Cut_TheActiveHost_TheOtherOneServesWithTheSameOrders()
    {
        await using var pair = await BalancerPair.StartAsync();
        var active = await pair.ActiveAsync();
        // Drained at one, so drained at both.
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
