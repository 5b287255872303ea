using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

public sealed class SlotTableTests
{
    [Theory]
    [InlineData(25, false)]
    [InlineData(40, false)]
    [InlineData(5, true)]
    [InlineData(26, true)]
    public async Task Filling_EverySlot_IsTheCalculatedAnswer(int count, bool mixed)
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

    [Fact]
    public async Task IsReady_Filled_IsTrue()
    {
        var ranking = Nodes.Many(3).Rank();
        var table = new SlotTable(ranking);

        await table.Filling;

        Assert.True(table.IsReady);
        // The table of a ranking that nobody holds any more is not filled.
        GC.KeepAlive(ranking);
    }

    [Fact]
    public async Task GiveUp_WhileFilling_EndsItAndTheCalculationAnswers()
    {
        var ranking = Nodes.Many(1000).Rank();

        ranking.Retire();
        await ranking.Ready;

        Assert.All(Nodes.Slots(100), slot => Assert.Equal(ranking.FirstAmong(slot, []), ranking.First(slot)));
    }

    [Fact]
    public async Task First_WhileTheTableFills_IsTheSameAnswer()
    {
        var ranking = Nodes.Many(26).Rank();
        var slots = Nodes.Slots(5000).ToList();

        var early = slots.ConvertAll(ranking.First);
        await ranking.Ready;

        Assert.Equal(early, slots.ConvertAll(ranking.First));
    }
}
