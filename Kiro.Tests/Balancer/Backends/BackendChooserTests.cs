using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendChooserTests : IDisposable
{
    private readonly RecentSlots _recent = new();

    [Fact]
    public void First_NoNode_IsNobody() => Assert.Null(new BackendChooser(Registries.Empty(), _recent).First(1));

    [Fact]
    public void First_AnySlot_IsTheSnapshotsChoiceAndIsNoted()
    {
        var registry = Registries.Up(5);
        var chooser = new BackendChooser(registry, _recent);
        foreach (var slot in (int[])[1, 70_000, 1_000_000])
        {
            var chosen = chooser.First(slot)!.Value;
            Assert.Same(registry.Current.Choose(slot), chosen.Known);
            Assert.Same(registry.Runtimes.Of(chosen.Backend), chosen.Runtime);
        }

        Assert.Equal([1, 70_000, 1_000_000], _recent.All());
    }

    [Fact]
    public void First_TheHomeHasItsShare_IsAnotherAndCounted()
    {
        var registry = Registries.Up(5, options: new SelectionOptions(125, TimeSpan.Zero));
        var chooser = new BackendChooser(registry, _recent);
        var home = chooser.First(7)!.Value;
        Array.ForEach(new int[20], _ => home.Runtime.Counters.Begin());

        Assert.NotSame(home.Backend, chooser.First(7)!.Value.Backend);
        Assert.Equal(1, home.Runtime.Counters.Overflows);
    }

    [Fact]
    public void Next_NodesComeAndGoInBetween_NamesThePresentOnes()
    {
        var registry = Registries.Up(3);
        var chooser = new BackendChooser(registry, _recent);
        var tried = new List<Backend> { chooser.First(7)!.Value.Backend };
        registry.SetMembers(Registries.Endpoints(9));
        registry.SetAll(BackendVerdict.Up);

        while (chooser.Next(7, tried) is { } next)
        {
            Assert.Same(registry.Runtimes.Of(next.Backend), next.Runtime);
            Assert.DoesNotContain(next.Backend, tried);
            tried.Add(next.Backend);
        }

        Assert.Equal(9, tried.Count);
    }

    [Fact]
    public void First_NothingChanges_AllocatesNothing()
    {
        var chooser = new BackendChooser(Registries.Up(5), _recent);
        Assert.Equal(0, Allocated.By(run => chooser.First(run * 7)));
    }

    public void Dispose() => _recent.Dispose();
}
