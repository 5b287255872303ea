using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Admin.Moves;

public sealed class HomesTests : IDisposable
{
    private readonly RecentSlots _recent = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Of_RecentClients_AreCountedWhereTheyBelong()
    {
        var registry = Registries.Up(3);
        var slots = Enumerable.Range(0, 300).Select(client => client * 997).ToArray();
        Array.ForEach(slots, _recent.Note);

        var homes = new Homes(_recent, _time).Of(registry.Current);

        Assert.Equal(registry.Current.Backends.Select(backend => (long)slots.Count(slot => registry.Current.Choose(slot) == backend)), homes);
        Assert.Equal(300, homes.Sum());
    }

    [Fact]
    public void Of_AskedAgain_CountsAtMostOnceASecondUnlessSomethingHappened()
    {
        var registry = Registries.Up(2);
        var homes = new Homes(_recent, _time);
        Assert.Equal(0, homes.Of(registry.Current).Sum());

        _recent.Note(1);
        Assert.Equal(0, homes.Of(registry.Current).Sum());
        _time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal(1, homes.Of(registry.Current).Sum());

        _recent.Note(2);
        registry.Set("api-1:80", BackendVerdict.Down);
        Assert.Equal([0, 2], homes.Of(registry.Current));
        registry.Set("api-2:80", BackendVerdict.Down);
        Assert.Equal([0, 0], homes.Of(registry.Current));
    }

    public void Dispose() => _recent.Dispose();
}
