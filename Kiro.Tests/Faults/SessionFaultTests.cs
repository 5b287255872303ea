using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>The same faults with session affinity (<c>SESSION_IDLE</c>): no client leaves a node that is up.</summary>
[Collection(RunsLate.Nodes)]
public sealed class SessionFaultTests
{
    private static readonly Dictionary<string, string> Balancer = new() { ["ADMIN_TOKEN"] = "test", ["SESSION_IDLE"] = "600" };

    [Fact]
    public async Task Scale_FiveToTen_MovesNoClient()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 5, known: 10, balancer: new(Balancer));
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        for (var number = 6; number <= 10; number++)
        {
            cluster.Start(number);
        }

        await cluster.UpAsync(10);
        await load.EveryClientAsync();
        var report = new FaultReport(await load.StopAsync(), fault);
        report.Note("sessions stay: scale 5 → 10", 0);

        report.AssertNoFailure();
        Assert.Empty(report.Moved);
    }

    [Fact]
    public async Task Kill_OneOfFive_MovesItsClientsOnceAndNobodyWhenItReturns()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new(Balancer));
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        cluster.Node(3).Signal("KILL");
        await load.EveryClientAsync();
        var returns = load.Now;
        cluster.Start(3);
        await cluster.UpAsync(5);
        await load.EveryClientAsync();

        var samples = await load.StopAsync();
        var killed = new FaultReport([.. samples.Where(sample => sample.Ended < returns)], fault);
        var back = new FaultReport([.. samples.Where(sample => sample.Sent > fault)], returns);
        killed.Note("sessions stay: kill -9 of a node", killed.Before.Values.Count(node => node == "api-3"));
        back.Note("sessions stay: its return", 0);

        Assert.Empty(killed.MovedNeedlessly("api-3"));
        Assert.Empty(back.Moved);
        Assert.All(killed.Failures.Concat(back.Failures), sample => Assert.StartsWith("POST 502", sample.Failure, StringComparison.Ordinal));
    }

    [Fact]
    public async Task DrainAndWeight_ByOperator_MoveNobodyAndEvacuateMovesTheRest()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new(Balancer));
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var fault = load.Now;
        using var http = new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", "test") } };
        await PostAsync("api-4/drain");
        await PostAsync("api-1/weight", """{"weight": 5}""");
        await load.EveryClientAsync();
        var evacuates = load.Now;
        await PostAsync("api-4/evacuate");
        await load.EveryClientAsync();

        var samples = await load.StopAsync();
        var drained = new FaultReport([.. samples.Where(sample => sample.Ended < evacuates)], fault);
        var evacuated = new FaultReport([.. samples.Where(sample => sample.Sent > fault)], evacuates);
        var had = evacuated.Before.Values.Count(node => node == "api-4");
        drained.Note("sessions stay: operator's drain and weight", 0);
        evacuated.Note("sessions stay: evacuate", had);

        drained.AssertNoFailure();
        evacuated.AssertNoFailure();
        Assert.Empty(drained.Moved);
        Assert.Equal(had, evacuated.Moved.Count);
        Assert.Empty(evacuated.MovedNeedlessly("api-4"));

        async Task PostAsync(string action, string? body = null) => (await http.PostAsync(
            new Uri($"http://127.0.0.1:{cluster.Port}/lb/backends/{action}"), body is null ? null : new StringContent(body), TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task RollingRestart_AllNodes_MovesClientsOnlyWhenTheirNodeRestarts()
    {
        await using var cluster = await ProcessCluster.StartAsync(balancer: new(Balancer));
        await using var load = new Load(cluster.Port);
        await load.EveryClientAsync();
        var turns = new List<TimeSpan> { load.Now };
        for (var number = 1; number <= 5; number++)
        {
            cluster.Node(number).Signal("TERM");
            Assert.Equal(0, await cluster.Node(number).ExitCode());
            cluster.Start(number);
            await cluster.UpAsync(5);
            await load.EveryClientAsync();
            turns.Add(load.Now);
        }

        var samples = await load.StopAsync();
        var (hadTo, moved) = (0, 0);
        for (var number = 1; number <= 5; number++)
        {
            var (from, to) = (turns[number - 1], turns[number]);
            var turn = new FaultReport([.. samples.Where(sample => sample.Ended < to && (number == 1 || sample.Sent > turns[number - 2]))], from);
            Assert.Empty(turn.MovedNeedlessly(ProcessCluster.Name(number)));
            hadTo += turn.Before.Values.Count(node => node == ProcessCluster.Name(number));
            moved += turn.Moved.Count;
        }

        var report = new FaultReport(samples, turns[0]);
        report.Note("sessions stay: rolling restart of 5 nodes", hadTo, $"; {moved} moves in all");
        report.AssertNoFailure();
    }
}
