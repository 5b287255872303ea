using Kiro.Balancer.Forwarding.Sending;
using Kiro.Tests.Balancer.Forwarding.Http1.Connections;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

public class IdleTimeoutTests
{
    private static readonly int Timeout = (int)BackendSocket.IdleTimeout.TotalSeconds;

    [Fact]
    public async Task Connection_IdleUpToTheTimeout_IsReused()
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        await pool.StartWatchAsync();
        var kept = Assert.Single(await pool.KeepAsync(1));

        await pool.AdvanceAsync(Timeout);
        await pool.StopWatchAsync();

        Assert.Same(kept, pool.Pool.TryTake());
        Assert.True(await EchoPool.TryExchangeAsync(kept, [4, 5, 6]));
        Assert.Equal(1, node.Accepted);
        kept.Dispose();
    }

    [Fact]
    public async Task Connection_IdleForLonger_IsClosedWithoutAProbe()
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        await pool.StartWatchAsync();
        await pool.KeepAsync(1);

        await pool.AdvanceAsync(Timeout + 1);

        await Eventually.BeTrue(() => node.Open == 0, "the node sees the end of the connection");
        Assert.Null(pool.Pool.TryTake());
        Assert.False(pool.Probe.IsCompleted);
    }

    [Fact]
    public async Task Connection_UsedMeanwhile_OutlivesTheOlderOne()
    {
        await using var node = new EchoNode();
        await using var pool = new EchoPool(node);
        await pool.StartWatchAsync();
        var kept = await pool.KeepAsync(2);

        for (var times = 0; times < 3; times++)
        {
            await pool.AdvanceAsync(Timeout / 2);
            Assert.Same(kept[1], pool.Pool.TryTake());
            Assert.True(await EchoPool.TryExchangeAsync(kept[1], [7]));
            pool.Pool.Return(kept[1]);
        }

        await Eventually.BeTrue(() => node.Open == 1, "the node sees the end of the old connection");
        Assert.Same(kept[1], pool.Pool.TryTake());
        Assert.Null(pool.Pool.TryTake());
        kept[1].Dispose();
    }
}
