using System.Globalization;
using Kiro.Tests.Faults;
using Kiro.Tests.Support;

namespace Kiro.Tests.Containers;

/// <summary>docker-compose.scale.yml, scaled while 500 clients are served.</summary>
[Collection(SharesDocker.Name)]
public sealed class ScaleTests
{
    private static readonly TimeSpan FirstTraffic = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Scale_FiveToTenToThree_NoRequestFailsAndNobodyMovesWithoutNeed()
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

        var answers = await load.StopAsync();
        var joined = new FaultReport([.. answers.Where(answer => answer.Ended < down)], up);
        var left = new FaultReport([.. answers.Where(answer => answer.Sent > all)], down);
        var homes = joined.After(all);
        // Below zero when the balancer found a node healthy before this test did.
        var waits = healthy.Select(node => answers.First(answer => answer.Node == node.Key).Ended - node.Value).ToList();
        joined.Note("docker-compose scale 5 → 10", homes.Values.Count(node => !five.ContainsKey(node)), string.Create(CultureInfo.InvariantCulture,
            $", new nodes served {waits.Min().TotalSeconds:0.00} to {waits.Max().TotalSeconds:0.00} s after they were healthy"));
        left.Note("docker-compose scale 10 → 3", left.Before.Count(client => !stay.Contains(client.Value)));
        await Compose.CountedAsync(answers.Count);

        joined.AssertNoFailure();
        left.AssertNoFailure();
        Assert.All(waits, wait => Assert.True(wait < FirstTraffic, $"{wait}"));
        Assert.All(homes, client =>
            Assert.True(client.Value == joined.Before[client.Key] || !five.ContainsKey(client.Value), "moved from one old node to another"));
        Assert.InRange(joined.Moved.Count, Load.Clients * 0.4, Load.Clients * 0.6);
        Assert.Empty(left.MovedWithoutNeed([.. ten.Keys.Except(stay)]));
        Assert.All(left.After(three).Values, node => Assert.Contains(node, stay));
    }
}
