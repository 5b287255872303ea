using System.Collections.Concurrent;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding;

/// <summary>Concurrent requests, while the backend and the balancer close idle connections.</summary>
public class ConnectionPoolStressTests(ITestOutputHelper output)
{
    private const int Workers = 8;
    private const int Exchanges = 2000;

    /// <summary>One in so many of the backend's responses is the last on its connection.</summary>
    private const int ClosesOneIn = 16;

    private readonly ConcurrentDictionary<PooledConnection, int> _inUse = new();
    private readonly PooledConnection?[] _usedLast = new PooledConnection?[Workers];
    private int _exchanged;
    private int _lost;

    [Fact]
    public async Task TryTake_Concurrent_NeverSharesAConnection()
    {
        await using var node = new EchoNode(closesAfter: () => Random.Shared.Next(ClosesOneIn) == 0);
        await using var pool = new EchoPool(node);
        using var done = new CancellationTokenSource();
        var closing = Task.Run(() => CloseIdle(done.Token), TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(() => WorkAsync(pool.Pool, worker))));
        await done.CancelAsync();
        await closing;

        output.WriteLine($"{_exchanged} exchanges, {_lost} lost, {node.Accepted} connections.");
        Assert.Equal(Workers * Exchanges, _exchanged + _lost);
        Assert.True(_exchanged > Workers * Exchanges / 2, "nearly all were lost");
        Assert.True(node.Accepted < _exchanged, "none was reused");
        while (pool.Pool.TryTake() is { } idle)
        {
            idle.Dispose();
        }

        await Eventually.BeTrue(() => node.Open == 0, "no connection is forgotten");
    }

    private async Task WorkAsync(ConnectionPool pool, int worker)
    {
        for (var number = 0; number < Exchanges; number++)
        {
            var connection = pool.TryTake() ?? await pool.ConnectAsync(ForwardingTimeouts.Default.Connect, TestContext.Current.CancellationToken);
            Assert.True(_inUse.TryAdd(connection, worker), "in use by another worker");
            Assert.False(connection.IsClosed);
            // A mixed-up response would not match.
            var isWhole = await EchoPool.TryExchangeAsync(connection, [.. BitConverter.GetBytes(worker), .. BitConverter.GetBytes(number)]);
            Interlocked.Increment(ref isWhole ? ref _exchanged : ref _lost);
            _inUse.TryRemove(connection, out _);
            if (isWhole)
            {
                pool.Return(connection);
                _usedLast[worker] = connection;
            }
            else
            {
                connection.Dispose();
            }
        }
    }

    // As the watch does on the idle timeout.
    private void CloseIdle(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            Volatile.Read(ref _usedLast[Random.Shared.Next(Workers)])?.CloseIdle();
            Thread.Yield();
        }
    }
}
