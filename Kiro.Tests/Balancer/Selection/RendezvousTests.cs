using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

public sealed class RendezvousTests
{
    [Fact]
    public void First_NoNode_IsNone()
    {
        var ranking = Nodes.Many(0).Rank();

        Assert.Equal(-1, ranking.First(0));
        Assert.Equal(-1, ranking.FirstAmong(0, []));
        Assert.Empty(ranking.Ranking(0));
    }

    [Fact]
    public void First_OneNode_ServesEverybody() =>
        Assert.All(Nodes.Slots(1000), slot => Assert.Equal(0, Nodes.Many(1).Rank().First(slot)));

    [Theory]
    [InlineData(3)]
    [InlineData(30)]
    public void FirstAmong_NoneEligible_IsNone(int count)
    {
        using var equal = new Retiring(Nodes.Many(count).Rank());
        using var mixed = new Retiring(Nodes.Many(count, 1, 2).Rank());

        Assert.Equal(-1, equal.Ranking.FirstAmong(7, new bool[count]));
        Assert.Equal(-1, mixed.Ranking.FirstAmong(7, new bool[count]));
    }

    [Theory]
    [InlineData(5, false, 1_000_000)]
    [InlineData(5, true, 50_000)]
    [InlineData(40, false, 50_000)]
    [InlineData(40, true, 50_000)]
    public void First_NodesInAnyOrder_IsTheSameNode(int count, bool mixed, int slots)
    {
        var nodes = mixed ? Nodes.Many(count, 1, 2, 0.5) : Nodes.Many(count);
        using var listed = new Retiring(nodes.Rank());
        using var reversed = new Retiring(nodes.Reverse().Rank());
        var order = nodes.ToArray();
        new Random(3).Shuffle(order);
        using var shuffled = new Retiring(order.Rank());

        foreach (var slot in Nodes.Slots(slots))
        {
            var node = listed.Ranking.Of(slot);
            Assert.Equal(node, reversed.Ranking.Of(slot));
            Assert.Equal(node, shuffled.Ranking.Of(slot));
        }
    }

    [Theory]
    [InlineData(5, false)]
    [InlineData(7, true)]
    [InlineData(30, true)]
    public void Ranking_EverySlot_MatchesRepeatedFirstAmong(int count, bool mixed)
    {
        using var ranking = new Retiring((mixed ? Nodes.Many(count, 1, 2, 0.5) : Nodes.Many(count)).Rank());

        foreach (var slot in Nodes.Slots(2000))
        {
            var eligible = Enumerable.Repeat(true, count).ToArray();
            foreach (var place in ranking.Ranking.Ranking(slot))
            {
                Assert.Equal(place, ranking.Ranking.FirstAmong(slot, eligible));
                eligible[place] = false;
            }

            Assert.DoesNotContain(true, eligible);
        }
    }

    [Fact]
    public void First_OtherSeed_IsAnotherMapping()
    {
        var nodes = Nodes.Many(5);
        var (one, other) = (nodes.Rank(), nodes.Rank(Nodes.Seed + 1));

        var same = Nodes.Slots(100_000).Count(slot => one.First(slot) == other.First(slot));

        // Independent mappings agree for one slot in five.
        Assert.InRange(same / 100_000.0, 0.19, 0.21);
    }

    [Fact]
    public void Mix_OneInputBitFlips_HalfOfTheOutputBitsFlip()
    {
        var random = new Random(11);
        for (var bit = 0; bit < 64; bit++)
        {
            var flipped = 0;
            for (var sample = 0; sample < 1000; sample++)
            {
                var value = (ulong)random.NextInt64();
                flipped += (int)ulong.PopCount(Rendezvous.Mix(value) ^ Rendezvous.Mix(value ^ (1UL << bit)));
            }

            Assert.InRange(flipped / 1000.0, 31, 33);
        }
    }
}
