using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

public sealed class SlotTableTests
{
    [Theory]
    [InlineData(25, false)]
    [InlineData(40, false)]
    [InlineData(5, true)]
    [InlineData(26, true)]
    public async Task Filling_EverySlot_MatchesTheCalculation(int count, bool mixed)
    {
        using var ranking = new Retiring((mixed ? Nodes.Many(count, 1, 2, 0.5, 7) : Nodes.Many(count)).Rank());

        await ranking.Ranking.Ready;

        var wrong = 0;
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            wrong += ranking.Ranking.First(slot) == ranking.Ranking.FirstAmong(slot, []) ? 0 : 1;
        }

        Assert.Equal(0, wrong);
    }

    /// <summary>Nodes come, leave and change their weights, a few at a time: each table is filled from the previous one.</summary>
    [Theory]
    [InlineData(new double[] { 1 })]
    [InlineData(new[] { 1, 2, 0.5, 7 })]
    public async Task Filling_AfterChanges_MatchesTheCalculation(double[] weights)
    {
        var random = new Random(1);
        var nodes = Nodes.Many(40, weights).ToList();
        var ranking = nodes.Rank();
        await ranking.Ready;
        for (var step = 0; step < 10; step++)
        {
            var (left, came, weighted) = (random.Next(4), random.Next(4), random.Next(3));
            nodes.RemoveRange(random.Next(nodes.Count - left), left);
            nodes.InsertRange(random.Next(nodes.Count), Enumerable.Range(0, came).Select(one => new Candidate($"step-{step}-{one}", weights[random.Next(weights.Length)])));
            for (var one = 0; one < weighted; one++)
            {
                var place = random.Next(nodes.Count);
                nodes[place] = nodes[place] with { Weight = weights[random.Next(weights.Length)] };
            }

            var next = new Rendezvous(nodes, ranking.Seed, before: ranking);
            Assert.NotNull(RankingChange.Find(ranking, next));
            await next.Ready;
            Assert.All(Nodes.Slots(5000), slot => Assert.Equal(next.FirstAmong(slot, []), next.First(slot)));
            ranking = next;
        }
    }

    [Fact]
    public async Task Find_MostNodesChangedOrTableNotReady_IsNull()
    {
        using var unfilled = new Retiring(Nodes.Many(1000).Rank());
        Assert.Null(RankingChange.Find(unfilled.Ranking, Nodes.Many(5).Rank()));
        using var filled = new Retiring(Nodes.Many(20).Rank());
        await filled.Ranking.Ready;
        Assert.Null(RankingChange.Find(filled.Ranking, Nodes.Many(5).Rank()));
    }

    [Fact]
    public async Task IsReady_Filled_IsTrue()
    {
        var ranking = Nodes.Many(3).Rank();
        var table = new SlotTable(ranking);

        await table.Filling;

        Assert.True(table.IsReady);
        // The table of a ranking that is not referenced any more is not filled.
        GC.KeepAlive(ranking);
    }

    [Fact]
    public async Task Cancel_WhileFilling_StopsAndFallsBackToTheCalculation()
    {
        var ranking = Nodes.Many(1000).Rank();

        ranking.Retire();
        await ranking.Ready;

        Assert.All(Nodes.Slots(100), slot => Assert.Equal(ranking.FirstAmong(slot, []), ranking.First(slot)));
    }

    [Fact]
    public async Task First_WhileTheTableFills_IsTheSameResult()
    {
        var ranking = Nodes.Many(26).Rank();
        var slots = Nodes.Slots(5000).ToList();

        var early = slots.ConvertAll(ranking.First);
        await ranking.Ready;

        Assert.Equal(early, slots.ConvertAll(ranking.First));
    }
}
