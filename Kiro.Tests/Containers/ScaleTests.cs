using System.Globalization;
using System.Net.Sockets;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>docker-compose.scale.yml, scaled while 500 clients are served.</summary>
[Collection(SharesDocker.Name)]
public sealed class ScaleTests
{
    private static readonly TimeSpan FirstTraffic = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Scale_FiveToTenToThree_FailsNoRequestAndMovesNoClientNeedlessly()
    {
        await using var compose = await Compose.UpAsync("docker-compose.scale.yml", 5, ["--scale", "api=5"]);
        var five = await Compose.NodesAsync();
        var started = await Compose.StartsAsync(five.Keys);
        await using var load = new Load(compose.Port);
        await load.EveryClientAsync();

        var up = load.Now;
        var watch = new HealthyWatch(load, five.Keys);
        await compose.RunAsync(60, "up", "-d", "--scale", "api=10", "--no-recreate");
        var healthy = await watch.HealthyAsync(5);
        await compose.StatesAsync(10);
        var all = load.Now;
        await load.EveryClientAsync();
        var ten = await Compose.NodesAsync();
        Assert.Equal(started, await Compose.StartsAsync(five.Keys));

        var down = load.Now;
        await compose.RunAsync(90, "up", "-d", "--scale", "api=3", "--no-recreate");
        await compose.StatesAsync(3);
        var three = load.Now;
        await load.EveryClientAsync();
        var stay = (await Compose.NodesAsync()).Keys.ToHashSet();
        Assert.Equal(3, stay.Count);
        Assert.All(await Compose.StartsAsync(stay), container => Assert.Equal(started[container.Key], container.Value));

        var samples = await load.StopAsync();
        var joined = new FaultReport([.. samples.Where(sample => sample.Ended < down)], up);
        var left = new FaultReport([.. samples.Where(sample => sample.Sent > all)], down);
        var homes = joined.After(all);
        // Negative if the balancer found a node healthy before the test did.
        var waits = healthy.Select(node => samples.First(sample => sample.Node == node.Key).Ended - node.Value).ToList();
        joined.Note("docker-compose scale 5 → 10", homes.Values.Count(node => !five.ContainsKey(node)), string.Create(CultureInfo.InvariantCulture,
            $", new nodes served {waits.Min().TotalSeconds:0.00} to {waits.Max().TotalSeconds:0.00} s after they were healthy"));
        left.Note("docker-compose scale 10 → 3", left.Before.Count(client => !stay.Contains(client.Value)));
        await Compose.CountedAsync(samples.Count);

        joined.AssertNoFailure();
        left.AssertNoFailure();
        Assert.All(waits, wait => Assert.True(wait < FirstTraffic, $"{wait}"));
        Assert.All(homes, client =>
            Assert.True(client.Value == joined.Before[client.Key] || !five.ContainsKey(client.Value), "moved from one old node to another"));
        Assert.InRange(joined.Moved.Count, Load.Clients * 0.4, Load.Clients * 0.6);
        Assert.Empty(left.MovedNeedlessly([.. ten.Keys.Except(stay)]));
        Assert.All(left.After(three).Values, node => Assert.Contains(node, stay));
    }
}

/// <summary>Polls new nodes directly and records when each is first healthy.</summary>
internal sealed class HealthyWatch
{
    private readonly Dictionary<string, TimeSpan> _healthy = [];
    private readonly Task _watching;
    private readonly HashSet<string> _old;
    private volatile int _wanted = int.MaxValue;

    /// <param name="load">The load whose clock is used.</param>
    /// <param name="old">The nodes that were running before.</param>
    public HealthyWatch(Load load, IEnumerable<string> old)
    {
        _old = [.. old];
        _watching = Task.Run(() => WatchAsync(load));
    }

    /// <summary>Waits until this many new nodes are healthy; returns when each of them first was.</summary>
    public async Task<IReadOnlyDictionary<string, TimeSpan>> HealthyAsync(int nodes)
    {
        _wanted = nodes;
        await _watching.WaitAsync(TimeSpan.FromSeconds(Eventually.Patience), TestContext.Current.CancellationToken);
        return _healthy;
    }

    private async Task WatchAsync(Load load)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        for (var round = 0; round < 600 && _healthy.Count < _wanted; round++)
        {
            var starting = (await Compose.NodesAsync()).Where(node => node.Value.Length > 0 && !_old.Contains(node.Key) && !_healthy.ContainsKey(node.Key));
            foreach (var (node, healthy) in await Task.WhenAll(starting.Select(node => ProbeAsync(http, node))))
            {
                if (healthy)
                {
                    _healthy.Add(node, load.Now);
                }
            }

            await Task.Delay(100);
        }
    }

    private static async Task<(string Node, bool Healthy)> ProbeAsync(HttpClient http, KeyValuePair<string, string> node)
    {
        try
        {
            using var response = await http.GetAsync(new Uri($"http://{node.Value}:13004/health"));
            return (node.Key, response.IsSuccessStatusCode);
        }
        catch (Exception problem) when (problem is HttpRequestException or OperationCanceledException or SocketException)
        {
            return (node.Key, false);
        }
    }
}
