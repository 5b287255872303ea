using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

/// <summary>One of n nodes leaves and returns.</summary>
public sealed class LeaveTests
{
    public static TheoryData<int, int> Sizes { get; } = new()
    {
        { 2, 20_000 }, { 3, 20_000 }, { 4, 20_000 }, { 5, 20_000 }, { 7, 20_000 }, { 10, 20_000 }, { 16, 20_000 }, { 24, 20_000 },
        { 25, 20_000 }, { 26, 20_000 }, { 50, 10_000 }, { 100, 10_000 }, { 255, 5_000 }, { 500, 3_000 }, { 1000, 3_000 },
    };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void First_NodeLeavesTheList_OnlyItsClientsMove(int count, int slots) =>
        Leave(Nodes.Many(count), slots);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void First_NodeLeavesTheWeightedList_OnlyItsClientsMove(int count, int slots) =>
        Leave(Nodes.Many(count, 1, 2, 0.5), slots / 2);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void FirstAmong_NodeIsFilteredOut_IsSameAsRemoved(int count, int slots)
    {
        var all = Nodes.Many(count, 1, 1, 3);
        var gone = count / 2;
        var eligible = Enumerable.Repeat(true, count).ToArray();
        eligible[gone] = false;
        using var before = new Retiring(all.Rank());
        using var after = new Retiring(all.Where((_, place) => place != gone).Rank());

        foreach (var slot in Nodes.Slots(slots / 2))
        {
            Assert.Equal(after.Ranking.Of(slot), all[before.Ranking.FirstAmong(slot, eligible)].Id);
        }
    }

    private static void Leave(Candidate[] all, int slots)
    {
        using var before = new Retiring(all.Rank());
        foreach (var gone in new[] { 0, all.Length / 2, all.Length - 1 }.Distinct())
        {
            using var without = new Retiring(all.Where((_, place) => place != gone).Rank());
            using var returned = new Retiring(all[gone..].Concat(all[..gone]).Rank());
            var moved = 0;
            foreach (var slot in Nodes.Slots(slots))
            {
                var home = before.Ranking.Of(slot);
                if (home == all[gone].Id)
                {
                    moved++;
                }
                else
                {
                    Assert.Equal(home, without.Ranking.Of(slot));
                }

                Assert.Equal(home, returned.Ranking.Of(slot));
            }

            Assert.True(moved > 0 || slots < all.Length * 10, $"{all[gone].Id} had no client: the test says nothing");
        }
    }
}
