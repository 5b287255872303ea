using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>Nodes die, hang, restart, join and leave under load.</summary>
[Collection(RunsLate.Nodes)]
public sealed class NodeFaultTests
{
    [Fact]
    public async Task Kill_OneOfFive_MovesItsClientsWithoutFailuresAndBack()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var load = new Load(cluster.Port);
        await Load.For(2);
        await load.EveryClientAsync();
        var fault = load.Now;
        cluster.Node(3).Signal("KILL");
        await load.EveryClientAsync();
        cluster.Start(3);
        await cluster.UpAsync(5);
        var home = load.Now;
        await load.EveryClientAsync();

        var samples = await load.StopAsync();
        var report = new FaultReport(samples, fault);
        var had = report.Before.Values.Count(node => node == "api-3");
        var missing = samples.Count(sample => sample.Failure is null) - await cluster.LedgerSumAsync();
        report.Note("kill -9 of a node", had, $", {missing} counts lost with it; the failures are POSTs that the node may have acted on");

        // A POST that the dead node may have acted on is not retried; everything else is served by the next node.
        Assert.All(report.Failures, sample => Assert.StartsWith("POST 502", sample.Failure, StringComparison.Ordinal));
        Assert.True(report.Failures.Count <= Load.Connections, $"{report.Failures.Count} POSTs failed");
        Assert.Empty(report.MovedNeedlessly("api-3"));
        Assert.Equal(had, report.Moved.Count);
        Assert.Equal(report.Before, report.After(home));
        // At most what the node had counted since its last flush, and at least one flush had happened by then.
        var served = samples.Count(sample => sample.Sent < fault && report.Before.GetValueOrDefault(sample.Client) == "api-3");
        Assert.InRange(missing, long.MinValue, served - 1);
    }

    [Fact]
    public async Task Freeze_OneOfFive_ServesItsClientsElsewhereWithinSeconds()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        cluster.Node(2).Signal("STOP");
        // Returns only if they are served while the node is frozen.
        await load.EveryClientAsync();
        var served = load.Now;
        await Load.For(3);
        cluster.Node(2).Signal("CONT");
        await cluster.UpAsync(5);
        var home = load.Now;
        await load.EveryClientAsync();

        var samples = await load.StopAsync();
        var report = new FaultReport(samples, fault);
        var had = report.Before.Values.Count(node => node == "api-2");
        var sum = await cluster.LedgerSumAsync();
        report.Note("SIGSTOP of a node", had, $", all were served again after {(served - fault).TotalSeconds:0.0} s; {sum - report.Successes} more in the ledger than successful responses");

        // A POST that reached the frozen node is not retried: it waits until the node resumes.
        report.AssertNoFailure();
        Assert.Empty(report.MovedNeedlessly("api-2"));
        Assert.Equal(report.Before, report.After(home));
        Assert.True(sum >= report.Successes, $"{report.Successes} succeeded, {sum} counted");
    }

    [Fact]
    public async Task RollingRestart_AllNodes_FailsNoRequest()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        for (var number = 1; number <= 5; number++)
        {
            cluster.Node(number).Signal("TERM");
            Assert.Equal(0, await cluster.Node(number).ExitCode());
            cluster.Start(number);
            await cluster.UpAsync(5);
        }

        var home = load.Now;
        await load.EveryClientAsync();
        var report = new FaultReport(await load.StopAsync(), fault);
        var sum = await cluster.LedgerSumAsync();
        report.Note("rolling restart of 5 nodes", report.Before.Count, $", ledger {sum} of {report.Successes}");

        report.AssertNoFailure();
        Assert.Equal(report.Before, report.After(home));
        Assert.Equal(report.Successes, sum);
    }

    [Fact]
    public async Task Stop_AllNodes_RestoresEveryClientOnceTheyAreBack()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        for (var number = 1; number <= 5; number++)
        {
            cluster.Node(number).Signal("INT");
        }

        for (var number = 1; number <= 5; number++)
        {
            Assert.Equal(0, await cluster.Node(number).ExitCode());
        }

        await Load.For(3);
        for (var number = 1; number <= 5; number++)
        {
            cluster.Start(number);
        }

        await cluster.UpAsync(5);
        var home = load.Now;
        await load.EveryClientAsync();
        var report = new FaultReport(await load.StopAsync(), fault);
        var sum = await cluster.LedgerSumAsync();
        report.Note("all nodes down for 3 s and back", report.Before.Count, $", all of them between {fault.TotalSeconds:0} s and {home.TotalSeconds:0} s; ledger {sum} of {report.Successes}");

        // Errors are expected only while no node is up.
        Assert.All(report.Failures, sample => Assert.True(sample.Ended > fault && sample.Sent < home, sample.ToString()));
        Assert.NotEmpty(report.Failures);
        Assert.Equal(report.Before, report.After(home));
    }

    [Fact]
    public async Task Scale_FiveToTenToThree_FailsNoRequestAndMovesNoClientNeedlessly()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 5, known: 10);
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var up = load.Now;
        for (var number = 6; number <= 10; number++)
        {
            cluster.Start(number);
        }

        await cluster.UpAsync(10);
        var ten = load.Now;
        await load.EveryClientAsync();
        var down = load.Now;
        for (var number = 4; number <= 10; number++)
        {
            cluster.Node(number).Signal("TERM");
        }

        await cluster.UpAsync(3);
        var three = load.Now;
        await load.EveryClientAsync();

        var samples = await load.StopAsync();
        var sum = await cluster.LedgerSumAsync();
        var joined = new FaultReport([.. samples.Where(sample => sample.Ended < down)], up);
        var left = new FaultReport([.. samples.Where(sample => sample.Sent > ten)], down);
        string[] stay = ["api-1", "api-2", "api-3"];
        var hadTo = left.Before.Count(client => !stay.Contains(client.Value));
        joined.Note("scale 5 → 10", joined.Moved.Count);
        left.Note("scale 10 → 3", hadTo, $", ledger {sum} of {samples.Count}");

        joined.AssertNoFailure();
        left.AssertNoFailure();
        Assert.All(joined.After(ten), client =>
            Assert.True(client.Value == joined.Before[client.Key] || int.Parse(client.Value[4..], null) > 5, "moved from one old node to another"));
        Assert.InRange(joined.Moved.Count, Load.Clients * 0.4, Load.Clients * 0.6);
        Assert.Empty(left.MovedNeedlessly([.. Enumerable.Range(4, 7).Select(ProcessCluster.Name)]));
        Assert.All(left.After(three).Values, node => Assert.Contains(node, stay));
        Assert.Equal(samples.Count, sum);
    }

    [Fact]
    public async Task Drain_ByOperator_MovesTheNodesClientsAndResumeRestoresThem()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new() { ["ADMIN_TOKEN"] = "test" });
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        using var http = new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", "test") } };
        (await http.PostAsync(new Uri($"http://127.0.0.1:{cluster.Port}/lb/backends/api-4/drain"), null, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        var drained = load.Now;
        await load.EveryClientAsync();
        var resumed = load.Now;
        (await http.PostAsync(new Uri($"http://127.0.0.1:{cluster.Port}/lb/backends/api-4/resume"), null, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        await cluster.UpAsync(5);
        var home = load.Now;
        await load.EveryClientAsync();

        var samples = await load.StopAsync();
        var report = new FaultReport(samples, fault);
        var had = report.Before.Values.Count(node => node == "api-4");
        report.Note("operator's drain and resume", had);

        report.AssertNoFailure();
        Assert.Empty(report.MovedNeedlessly("api-4"));
        Assert.DoesNotContain(samples, sample => sample.Node == "api-4" && sample.Sent > drained && sample.Ended < resumed);
        Assert.Equal(report.Before, report.After(home));
    }
}
