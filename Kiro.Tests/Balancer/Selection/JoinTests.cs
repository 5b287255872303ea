namespace Kiro.Tests.Balancer.Selection;

/// <summary>A node joins n others.</summary>
public sealed class JoinTests
{
    [Theory]
    [InlineData(1, 40_000)]
    [InlineData(2, 40_000)]
    [InlineData(4, 40_000)]
    [InlineData(9, 40_000)]
    [InlineData(24, 40_000)]
    [InlineData(25, 40_000)]
    [InlineData(99, 30_000)]
    [InlineData(999, 10_000)]
    public void First_NodeJoins_OnlyItsShareMovesAndOnlyToIt(int count, int slots)
    {
        var after = Nodes.Many(count + 1);
        using var few = new Retiring(after[..count].Rank());
        using var more = new Retiring(after.Rank());

        var moved = 0;
        foreach (var slot in Nodes.Slots(slots))
        {
            var home = more.Ranking.Of(slot);
            if (home != few.Ranking.Of(slot))
            {
                Assert.Equal(after[count].Id, home);
                moved++;
            }
        }

        // Four standard deviations of a sample of this size.
        var share = 1.0 / (count + 1);
        var error = 4 * Math.Sqrt(share * (1 - share) / slots);
        Assert.InRange(moved / (double)slots, share - error, share + error);
    }

    [Fact]
    public async Task First_TableBecomesReady_NoClientMoves()
    {
        var nodes = Nodes.Many(26);
        var below = nodes[..24].Rank();
        var above = nodes[..25].Rank();
        await above.Ready;

        foreach (var slot in Nodes.Slots(200_000))
        {
            var home = above.Of(slot);
            Assert.True(home == below.Of(slot) || home == nodes[24].Id, $"slot {slot} moved from {below.Of(slot)} to {home}");
        }
    }
}
