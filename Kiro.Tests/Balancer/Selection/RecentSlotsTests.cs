using Kiro.Balancer.Selection;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Selection;

public sealed class RecentSlotsTests : IDisposable
{
    private readonly RecentSlots _recent = new();

    [Fact]
    public void All_AddedSlots_AreUniqueAndInOrder()
    {
        foreach (var slot in (int[])[ClientHash.SlotCount - 1, 64, 0, 63, 64])
        {
            _recent.Add(slot);
        }

        Assert.Equal([0, 63, 64, ClientHash.SlotCount - 1], _recent.All());
        Assert.Equal([0, 64], _recent.All(step: 2));
        Assert.Equal(4, _recent.Count());
    }

    [Fact]
    public void Rotate_IdleSlot_IsGoneAfterTwice()
    {
        _recent.Add(1);
        _recent.Rotate();
        Assert.Equal([1], _recent.All());
        _recent.Add(2);

        _recent.Rotate();

        Assert.Equal([2], _recent.All());
        _recent.Rotate();
        Assert.Empty(_recent.All());
    }

    [Fact]
    public void Add_ManyThreads_LosesNoSlot()
    {
        Parallel.For(0, 100_000, slot => _recent.Add(slot));

        Assert.Equal(100_000, _recent.Count());
    }

    [Fact]
    public void Add_AnySlot_AllocatesNothing() => Assert.Equal(0, Allocated.By(run => _recent.Add(run * 7)));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(60, 60)]
    [InlineData(1000, 1000)]
    [InlineData(ClientHash.SlotCount, ClientHash.SlotCount)]
    public void Clients_FewSlots_IsTheirNumber(int slots, long clients) => Assert.Equal(clients, RecentSlots.Clients(slots));

    [Fact]
    public void Clients_RandomSlots_EstimatesTheNumberOfClients()
    {
        const int Thrown = 500_000;
        var random = new Random(1);
        for (var client = 0; client < Thrown; client++)
        {
            _recent.Add(random.Next(ClientHash.SlotCount));
        }

        // Five standard deviations of linear counting at this load.
        Assert.InRange(RecentSlots.Clients(_recent.Count()), Thrown * 0.996, Thrown * 1.004);
    }

    public void Dispose() => _recent.Dispose();
}
