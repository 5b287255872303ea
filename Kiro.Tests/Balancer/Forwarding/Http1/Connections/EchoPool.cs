using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Tests.Balancer.Selection;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding;

/// <summary>A connection pool for an <see cref="EchoNode"/>, on a fake clock.</summary>
internal sealed class EchoPool : IAsyncDisposable
{
    private readonly WatchTime _time = new();
    private readonly ConnectionWatch _watch;

    public EchoPool(EchoNode node)
    {
        var backend = new BackendRuntime(new Backend("127.0.0.1", node.Port), _time);
        _watch = new ConnectionWatch(_time);
        Pool = new ConnectionPool(backend, _watch, _time, new BackendTls(BackendTransportOptions.Default, _time));
        Probe = backend.ProbeNow.WaitAsync(TimeSpan.FromDays(1), _time, CancellationToken.None);
    }

    public ConnectionPool Pool { get; }

    /// <summary>Completes when the pool asks for a probe.</summary>
    public Task Probe { get; }

    /// <summary>Sends a few bytes and waits for the echo.</summary>
    /// <returns>False when the connection was lost; it must be disposed of then.</returns>
    public static async Task<bool> TryExchangeAsync(PooledConnection connection, byte[] bytes)
    {
        connection.Begin(ForwardingTimeouts.Default.Exchange);
        if (await connection.SendAsync(bytes) != bytes.Length)
        {
            return false;
        }

        while (connection.Add(await connection.PendingReceive))
        {
            if (connection.Input.Bytes.Length >= bytes.Length)
            {
                Assert.Equal(bytes, connection.Input.Bytes.ToArray());
                connection.Input.Consume(bytes.Length);
                return true;
            }

            connection.BeginReceive();
        }

        return false;
    }

    /// <summary>Connections in use, in the order in which the backend accepted them.</summary>
    public async Task<IReadOnlyList<PooledConnection>> ConnectAsync(int count)
    {
        var connections = new List<PooledConnection>();
        while (connections.Count < count)
        {
            var connection = await Pool.ConnectAsync(ForwardingTimeouts.Default.Connect, TestContext.Current.CancellationToken);
            Assert.True(await TryExchangeAsync(connection, [1, 2, 3]));
            connections.Add(connection);
        }

        return connections;
    }

    /// <summary>The same, idle, the last one most recently used.</summary>
    public async Task<IReadOnlyList<PooledConnection>> KeepAsync(int count)
    {
        var connections = await ConnectAsync(count);
        foreach (var connection in connections)
        {
            Pool.Return(connection);
        }

        return connections;
    }

    /// <summary>Starts the watch.</summary>
    public async Task StartWatchAsync()
    {
        await _watch.StartAsync(TestContext.Current.CancellationToken);
        await _time.Ticking;
    }

    /// <summary>Advances the clock, and waits until the watch has noticed.</summary>
    public async Task AdvanceAsync(int seconds)
    {
        var now = _watch.Now + seconds;
        _time.Advance(TimeSpan.FromSeconds(seconds));
        await Eventually.BeTrue(() => _watch.Now == now, "the watch has seen the clock");
    }

    /// <summary>Stops the watch.</summary>
    public Task StopWatchAsync() => _watch.StopAsync(TestContext.Current.CancellationToken);

    /// <summary>Closes idle connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _watch.StopAsync(CancellationToken.None);
        _watch.Dispose();
    }
}
