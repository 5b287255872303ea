using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Balancer.Backends;
using Kiro.Tests.Balancer.Selection;

namespace Kiro.Tests.Balancer.Admin.Moves;

public sealed class MoveCounterTests : IDisposable
{
    /// <summary>Five standard deviations of a share estimated from every 16th slot.</summary>
    private const double Tolerance = 0.01;

    private readonly RecentSlots _recent = new();

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(40)]
    public void Count_ANodeGoesDown_IsWhatEverySlotSays(int nodes)
    {
        var registry = Registries.Up(nodes);
        var before = registry.Current;
        var homes = BruteForce.Homes(registry.Nodes(), _ => true);

        registry.Set("api-2:80", BackendVerdict.Down);
        var report = new MoveCounter(_recent).Count(before, registry.Current);

        var after = BruteForce.Homes(registry.Nodes(), id => id != "api-2:80");
        Assert.InRange(report.Share, BruteForce.MovedShare(homes, after) - Tolerance, BruteForce.MovedShare(homes, after) + Tolerance);
        Assert.All(report.Flows, flow => Assert.Equal("api-2:80", flow.From));
        Assert.All(report.Flows, flow => Assert.InRange(
            flow.Share,
            BruteForce.Share(homes, after, (from, to) => from != to && to == flow.To) - Tolerance,
            BruteForce.Share(homes, after, (from, to) => from != to && to == flow.To) + Tolerance));
        Assert.Equal(nodes - 1, report.Flows.Count);
    }

    [Fact]
    public void Count_RecentClients_AreCountedOneByOne()
    {
        var registry = Registries.Up(5);
        var before = registry.Current;
        var slots = Enumerable.Range(0, 500).Select(client => client * 2003).ToArray();
        foreach (var slot in slots)
        {
            _recent.Add(slot);
        }

        var homes = slots.Count(slot => before.Choose(slot)!.Id == "api-3:80");
        registry.Set("api-3:80", BackendVerdict.Down);
        var report = new MoveCounter(_recent).Count(before, registry.Current);

        Assert.Equal(500, report.RecentClients);
        Assert.Equal(homes, report.Clients);
        Assert.InRange(homes, 50, 150);
    }

    [Fact]
    public void Count_TheLastNodeGoes_LeavesThemWithNone()
    {
        var registry = Registries.Up(1);
        var before = registry.Current;

        registry.Set("api-1:80", BackendVerdict.Down);

        var report = new MoveCounter(_recent).Count(before, registry.Current);
        Assert.Equal(new Flow("api-1:80", null, 1, 0), Assert.Single(report.Flows));
        Assert.Equal(1, report.Share);
        // A client that had no backend does not move by getting one.
        Assert.Equal(0, new MoveCounter(_recent).Count(registry.Current, before).Share);
    }

    [Fact]
    public void Count_MoreRecentClientsThanAreLookedAt_EstimatesThem()
    {
        var registry = Registries.Up(5);
        var before = registry.Current;
        for (var slot = 0; slot < 300_000; slot++)
        {
            _recent.Add(slot);
        }

        registry.Set("api-1:80", BackendVerdict.Down);
        var report = new MoveCounter(_recent).Count(before, registry.Current);

        Assert.Equal(RecentSlots.Clients(300_000), report.RecentClients);
        Assert.InRange(report.Clients / (double)report.RecentClients, report.Share - 2 * Tolerance, report.Share + 2 * Tolerance);
    }

    public void Dispose() => _recent.Dispose();
}
