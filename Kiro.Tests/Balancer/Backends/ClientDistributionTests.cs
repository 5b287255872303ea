using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

public sealed class ClientDistributionTests : IDisposable
{
    private readonly RecentSlots _recent = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Of_RecentClients_AreCountedByBackend()
    {
        var registry = Registries.Up(3);
        var slots = Enumerable.Range(0, 300).Select(client => client * 997).ToArray();
        Array.ForEach(slots, _recent.Add);

        var homes = new ClientDistribution(_recent, _time).Of(registry.Current);

        Assert.Equal(registry.Current.Backends.Select(backend => (long)slots.Count(slot => registry.Current.Choose(slot) == backend)), homes.Select(home => home.Recent));
        Assert.Equal(300, Sum(homes));
        Assert.All(homes, home => Assert.Equal((null, null), (home.Sessions, home.Kept)));
    }

    [Fact]
    public void Of_Repeatedly_CountsAtMostOnceASecondUnlessBackendsChange()
    {
        var registry = Registries.Up(2);
        var homes = new ClientDistribution(_recent, _time);
        Assert.Equal(0, Sum(homes.Of(registry.Current)));

        _recent.Add(1);
        Assert.Equal(0, Sum(homes.Of(registry.Current)));
        _time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal(1, Sum(homes.Of(registry.Current)));

        _recent.Add(2);
        registry.Set("api-1:80", BackendVerdict.Down);
        Assert.Equal([0, 2], homes.Of(registry.Current).Select(home => home.Recent));
        registry.Set("api-2:80", BackendVerdict.Down);
        Assert.Equal([0, 0], homes.Of(registry.Current).Select(home => home.Recent));
    }

    [Fact]
    public void Of_Sessions_AreSplitByWhetherTheyAreHome()
    {
        var idle = TimeSpan.FromMinutes(10);
        var registry = Registries.Up(3, _time, options: new SelectionOptions(0, TimeSpan.Zero, idle));
        var sessions = new SessionTable(idle, _time);
        var chooser = new BackendChooser(registry, _recent, sessions);
        var slots = Enumerable.Range(0, 300).Select(client => client * 997).ToArray();
        Array.ForEach(slots, slot => chooser.First(slot));
        var homes = new ClientDistribution(_recent, _time, sessions);
        Assert.Equal((300, 300, 0), Sums(homes.Of(registry.Current)));

        registry.SetMembers(Registries.Endpoints(6));
        registry.SetAll(BackendVerdict.Up);

        var scaled = homes.Of(registry.Current);
        var belong = slots.Count(slot => registry.Find("api-1:80").Known == registry.Current.Choose(slot));
        var first = scaled[0];
        Assert.Equal((300, 300, slots.Count(slot => registry.Current.IndexOf(registry.Current.Choose(slot)!.Backend) >= 3)), Sums(scaled));
        Assert.Equal(first.Sessions - first.Kept, belong);
        Assert.All(scaled.Skip(3), home => Assert.Equal(new NodeClients(0, 0, 0), home));

        // The clients of a node that is gone have no sessions.
        registry.Set("api-2:80", BackendVerdict.Down);
        Assert.Equal(300 - scaled[1].Sessions, homes.Of(registry.Current).Sum(home => home.Sessions));

        _time.Advance(idle + TimeSpan.FromSeconds(1));
        Assert.Equal((300, 0, 0), Sums(homes.Of(registry.Current)));
    }

    public void Dispose() => _recent.Dispose();

    private static long Sum(IReadOnlyList<NodeClients> homes) => homes.Sum(home => home.Recent);

    private static (long Recent, long Sessions, long Kept) Sums(IReadOnlyList<NodeClients> homes) =>
        (Sum(homes), homes.Sum(home => home.Sessions!.Value), homes.Sum(home => home.Kept!.Value));
}
