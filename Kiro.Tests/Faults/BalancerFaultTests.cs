using System.Globalization;
using System.Net;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>The balancer itself stops under load.</summary>
[Collection(RunsLate.Balancers)]
public sealed class BalancerFaultTests
{
    private const int DrainDelay = 10;

    [Fact]
    public async Task Terminate_UnderLoad_CompletesEveryAcceptedRequest()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new() { ["DRAIN_DELAY"] = DrainDelay.ToString(CultureInfo.InvariantCulture) });
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        using var http = new HttpClient();
        var slow = http.GetStringAsync(new Uri($"http://127.0.0.1:{cluster.Port}/api/slow?ms=15000"), TestContext.Current.CancellationToken);
        await Load.For(1);
        var fault = load.Now;
        cluster.Balancer.Signal("TERM");
        await Eventually.BeTrue(
            async () =>
            {
                using var health = await http.GetAsync(new Uri($"http://127.0.0.1:{cluster.Port}/health"), TestContext.Current.CancellationToken);
                return health.StatusCode == HttpStatusCode.ServiceUnavailable;
            },
            "the balancer reports draining", DrainDelay);
        await slow;
        Assert.Equal(0, await cluster.Balancer.ExitCode());

        var report = new FaultReport(await load.StopAsync(), fault);
        var sum = await cluster.LedgerSumAsync();
        report.Note("SIGTERM of the balancer", 0, $", all failures after its listener had closed; ledger {sum} of {report.Successes + 1}");

        // New connections are refused once the listener is closed, but no accepted request is cut off. Half of the
        // delay is allowed for a connection that waits to be accepted on a busy machine.
        Assert.All(report.Failures, sample => Assert.True(sample.Sent > fault + TimeSpan.FromSeconds(DrainDelay / 2), sample.ToString()));
        Assert.Equal(report.Successes + 1, sum);
    }
}
