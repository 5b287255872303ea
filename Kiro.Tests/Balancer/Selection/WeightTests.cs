using System.Globalization;
using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

public sealed class WeightTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("1 2")]
    [InlineData("1 2 3 4")]
    [InlineData("1 1 2 1 1")]
    [InlineData("0.5 1 0.25 1")]
    [InlineData("10 20 10")]
    [InlineData("1.5 1.5 2")]
    public void First_Weights_SharesMatchWithinOnePercent(string list)
    {
        var weights = Array.ConvertAll(list.Split(' '), weight => double.Parse(weight, CultureInfo.InvariantCulture));
        using var ranking = new Retiring(Nodes.Many(weights.Length, weights).Rank());

        var counts = ranking.Ranking.Count();

        for (var place = 0; place < weights.Length; place++)
        {
            var relative = counts[place] / (weights[place] / weights.Sum() * ClientHash.SlotCount);
            output.WriteLine($"weight {weights[place]} of {weights.Sum()}: {relative:0.0000} of its share");
            Assert.InRange(relative, 0.99, 1.01);
        }
    }

    [Fact]
    public void First_EqualWeights_ResultDoesNotDependOnTheWeight()
    {
        var ones = Nodes.Many(5).Rank();
        var sevens = Nodes.Many(5, 7).Rank();

        Assert.All(Nodes.Slots(20_000), slot => Assert.Equal(ones.Of(slot), sevens.Of(slot)));
    }

    [Theory]
    [InlineData(5, 1, 1.5)]
    [InlineData(5, 1, 0.5)]
    [InlineData(5, 2, 1)]
    [InlineData(30, 1, 4)]
    public void First_WeightChanges_ClientsMoveOnlyToOrFromThatNode(int count, double before, double after)
    {
        var nodes = Nodes.Many(count, 1, 1, 2);
        using var old = new Retiring(nodes.Select((node, place) => place == 1 ? node with { Weight = before } : node).Rank());
        using var changed = new Retiring(nodes.Select((node, place) => place == 1 ? node with { Weight = after } : node).Rank());

        var moved = 0;
        foreach (var slot in Nodes.Slots(50_000))
        {
            var (from, to) = (old.Ranking.Of(slot), changed.Ranking.Of(slot));
            if (from != to)
            {
                Assert.Equal(nodes[1].Id, after > before ? to : from);
                moved++;
            }
        }

        Assert.True(moved > 0);
    }

    [Theory]
    [InlineData(ulong.MinValue)]
    [InlineData(1UL << 11)]
    [InlineData(1UL << 63)]
    [InlineData(ulong.MaxValue - (1UL << 12))]
    [InlineData(ulong.MaxValue)]
    public void Score_ExtremeHash_IsPositiveFiniteAndIncreasesWithWeight(ulong hash)
    {
        Assert.True(double.IsFinite(Rendezvous.Score(hash, 1000)));
        Assert.True(Rendezvous.Score(hash, 0.001) > 0);
        Assert.True(Rendezvous.Score(hash, 2) > Rendezvous.Score(hash, 1));
    }

    [Fact]
    public void Score_HigherHash_IsNeverLower()
    {
        var step = ulong.MaxValue / 100_000;
        for (var hash = step; hash < ulong.MaxValue - step; hash += step)
        {
            Assert.True(Rendezvous.Score(hash, 1) > Rendezvous.Score(hash - step, 1));
            Assert.True(Rendezvous.Score(hash, 1) >= Rendezvous.Score(hash - 1, 1));
        }
    }
}
