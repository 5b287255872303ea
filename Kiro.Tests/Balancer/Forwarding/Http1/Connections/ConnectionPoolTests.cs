using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Connections;

public class ConnectionPoolTests
{
    [Fact]
    public async Task TryTake_SeveralIdle_ReturnsTheMostRecentlyUsed()
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        var kept = await pool.KeepAsync(3);

        var first = pool.Pool.TryTake();
        var second = pool.Pool.TryTake();
        Assert.True(await EchoPool.TryExchangeAsync(kept[2], [9]));
        pool.Pool.Return(kept[2]);
        var third = pool.Pool.TryTake();

        Assert.Same(kept[2], first);
        Assert.Same(kept[1], second);
        Assert.Same(kept[2], third);
        Assert.Same(kept[0], pool.Pool.TryTake());
        Assert.Null(pool.Pool.TryTake());
        Assert.All(kept, connection => connection.Dispose());
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    public async Task Connection_ClosedOrWrittenToByTheNodeWhileIdle_IsRemoved(int place, bool speaks)
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        var kept = await pool.KeepAsync(3);

        if (speaks)
        {
            await node.SpeakAsync(place + 1);
        }
        else
        {
            node.Close(place + 1);
        }

        await Eventually.BeTrue(() => node.Open == 2, "the connection is closed from both ends");
        foreach (var expected in kept.Reverse().Where(connection => connection != kept[place]))
        {
            Assert.Same(expected, pool.Pool.TryTake());
            Assert.True(await EchoPool.TryExchangeAsync(expected, [9]));
            expected.Dispose();
        }

        Assert.Null(pool.Pool.TryTake());
        Assert.True(kept[place].IsClosed);
    }

    [Fact]
    public async Task Node_ThatClosesItsIdleConnections_IsProbedAfterTheLast()
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        await pool.KeepAsync(3);

        for (var number = 1; number <= 3; number++)
        {
            Assert.False(pool.Probe.IsCompleted);
            node.Close(number);
            await Eventually.BeTrue(() => node.Open == 3 - number, "the connection is closed from both ends");
        }

        await Eventually.BeTrue(() => pool.Probe.IsCompleted, "there is reason to probe the node");
    }

    [Fact]
    public async Task Return_ConnectionClosedByTheNodeInUse_IsClosed()
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        var connection = Assert.Single(await pool.ConnectAsync(1));

        node.Close(1);
        pool.Pool.Return(connection);

        await Eventually.BeTrue(() => node.Open == 0, "the connection is closed from both ends");
        Assert.Null(pool.Pool.TryTake());
        Assert.True(connection.IsClosed);
    }
}
