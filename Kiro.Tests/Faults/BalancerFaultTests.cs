using System.Net;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>The balancer itself leaves under load.</summary>
[Collection(RunsAlone.Name)]
public sealed class BalancerFaultTests
{
    [Fact]
    public async Task Terminate_UnderLoad_EveryAcceptedRequestIsAnswered()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new() { ["DRAIN_DELAY"] = "2" });
        await using var load = new Load(cluster.Port);
        await Load.For(3);
        using var http = new HttpClient();
        var slow = http.GetStringAsync(new Uri($"http://127.0.0.1:{cluster.Port}/api/slow?ms=5000"), TestContext.Current.CancellationToken);
        await Load.For(1);
        var fault = load.Now;
        cluster.Balancer.Signal("TERM");
        await Eventually.BeTrue(
            async () =>
            {
                using var health = await http.GetAsync(new Uri($"http://127.0.0.1:{cluster.Port}/health"), TestContext.Current.CancellationToken);
                return health.StatusCode == HttpStatusCode.ServiceUnavailable;
            },
            "the balancer says that it drains", 1.5);
        await slow;
        Assert.Equal(0, await cluster.Balancer.ExitCode());

        var report = new FaultReport(await load.StopAsync(), fault);
        var sum = await cluster.LedgerSumAsync();
        report.Note("SIGTERM of the balancer", 0, $", all failures after it had left; ledger {sum} of {report.Successes + 1}");

        // Whoever connects when the listener is closed, or about to, is refused; nobody whose request was taken is cut off.
        Assert.All(report.Failures, answer => Assert.True(answer.Sent > fault + TimeSpan.FromSeconds(1.9), answer.ToString()));
        Assert.Equal(report.Successes + 1, sum);
    }
}
