using Kiro.Balancer.Listening;

namespace Kiro.Tests.Balancer.Listening;

public sealed class ConnectionLimitTests
{
    [Fact]
    public void TryEnter_AtTheLimit_RefusesUntilOneLeaves()
    {
        var limit = new ConnectionLimit(2);

        Assert.True(limit.TryEnter() && limit.TryEnter());
        Assert.False(limit.TryEnter());
        limit.Leave();
        Assert.True(limit.TryEnter());
        Assert.Equal((2, 1), (limit.Open, limit.Refused));
    }

    [Fact]
    public void TryEnter_ManyThreads_NeverLetsInMore()
    {
        var limit = new ConnectionLimit(7);

        Parallel.For(0, 100_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, _ =>
        {
            if (limit.TryEnter())
            {
                // A refused connection is counted for a moment, too; those admitted never exceed the limit.
                Assert.InRange(limit.Open, 1, 7 + 16);
                limit.Leave();
            }
        });

        Assert.Equal(0, limit.Open);
    }

    [Theory]
    [InlineData(1024, 200, 380, 960)]
    [InlineData(20_000, 200, 9868, 19_936)]
    [InlineData(256, 220, 12, 244)]
    [InlineData(256, 238, 3, 244)]
    [InlineData(256, 256, 1, 244)]
    [InlineData(long.MaxValue, 200, 10_000_000, long.MaxValue - 64)]
    public void Budget_OfALimit_LeavesAReserveAndOneForEachNodeConnection(long limit, int inUse, int connections, long firstReserved) =>
        Assert.Equal(new ConnectionBudget(connections, firstReserved), ConnectionBudget.Of(limit, inUse));
}
