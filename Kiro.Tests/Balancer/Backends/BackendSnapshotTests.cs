using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendSnapshotTests
{
    [Fact]
    public void Choose_Starting_GetsNoClientsWhileAnotherIsUp()
    {
        var registry = Registries.Empty();
        registry.SetMembers(Registries.Endpoints(3));

        registry.Set("api-2:80", BackendVerdict.Up);

        Assert.False(registry.Current.Selector.IsPanic);
        Assert.Equal(["api-2:80"], registry.Serving());
    }

    [Fact]
    public void Choose_AllStarting_UsesTheFinalBackends()
    {
        var registry = Registries.Empty();
        registry.SetMembers(Registries.Endpoints(5));
        var starting = Choices(registry);

        registry.SetAll(BackendVerdict.Up);

        Assert.Equal(5, starting.Distinct().Count());
        Assert.Equal(starting, Choices(registry));
    }

    [Fact]
    public void Choose_NoneUp_TriesAllByRank()
    {
        var registry = Registries.Up(5);
        var home = Choices(registry);

        registry.SetAll(BackendVerdict.Down);

        Assert.True(registry.Current.Selector.IsPanic);
        Assert.Equal(home, Choices(registry));
    }

    [Fact]
    public void Choose_Draining_GetsNoClients()
    {
        var registry = Registries.Up(3);

        registry.Drain(registry.Find("api-1:80"));

        Assert.Equal(["api-2:80", "api-3:80"], registry.Serving());
    }

    [Fact]
    public void Choose_BackendFlaps_OnlyItsClientsMoveAndAllReturn()
    {
        var registry = Registries.Up(5);
        var home = Choices(registry);

        registry.Set("api-4:80", BackendVerdict.Down);
        var away = Choices(registry);
        registry.Set("api-4:80", BackendVerdict.Up);

        Assert.All(home.Zip(away), pair => Assert.Equal(pair.First == "api-4:80", pair.First != pair.Second));
        Assert.Equal(home, Choices(registry));
    }

    [Fact]
    public void Next_OneTried_IsWhereItsClientsGoWhenItDies()
    {
        var registry = Registries.Up(5);
        var tried = registry.Find("api-4:80");
        var next = Enumerable.Range(0, 500).Select(slot => registry.Current.Next(slot, [tried])!.Id).ToList();

        registry.Set("api-4:80", BackendVerdict.Down);

        Assert.Equal(Enumerable.Range(0, 500).Select(slot => registry.Current.Choose(slot)!.Id), next);
    }

    [Fact]
    public void Next_AllUpTried_IsNoneAlthoughOthersAreDown()
    {
        var registry = Registries.Up(3);
        registry.Set("api-3:80", BackendVerdict.Down);

        Assert.Null(registry.Current.Next(0, [registry.Find("api-1:80"), registry.Find("api-2:80")]));
    }

    [Fact]
    public void Next_Panic_GoesThroughAll()
    {
        var registry = Registries.Up(3);
        registry.SetAll(BackendVerdict.Down);
        var tried = new List<Backend>();

        while (registry.Current.Next(7, tried) is { } next)
        {
            Assert.DoesNotContain(next.Backend, tried);
            tried.Add(next.Backend);
        }

        Assert.Equal(3, tried.Count);
    }

    [Fact]
    public void Shares_OneDown_AreThoseOfTheOthers()
    {
        var registry = Registries.Up(5);
        registry.Set("api-4:80", BackendVerdict.Down);

        var shares = registry.Current.Selector.Shares;

        Assert.Equal(0, shares[3]);
        Assert.Equal(1, shares.Sum(), 1e-9);
        Assert.All(shares.Where(share => share > 0), share => Assert.InRange(share, 0.24, 0.26));
        Assert.Same(shares, registry.Current.Selector.Shares);
    }

    private static List<string> Choices(BackendRegistry registry) =>
        [.. Enumerable.Range(0, 1000).Select(slot => registry.Current.Choose(slot)!.Id)];
}
