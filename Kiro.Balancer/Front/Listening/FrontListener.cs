using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Front.EventLoop;
using Kiro.Balancer.Front.Exchange;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Front.Tls;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Kiro.Balancer.Front.Listening;

/// <summary>
/// The public port. To Kestrel it is a listener like any other, which yields the connections that the loops hand over.
/// </summary>
internal sealed class FrontListener : IConnectionListener, ISharedListener
{
    /// <summary>For handshakes in progress at shutdown.</summary>
    private static readonly TimeSpan HandshakeGrace = TimeSpan.FromSeconds(2);

    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>();
    private readonly SocketConnectionContextFactory _contexts;
    private readonly FrontListenSocket _socket;
    private readonly ListenSockets _sockets;
    private readonly FrontWorker[] _workers;
    private readonly FrontAcceptor[] _acceptors;
    private readonly FrontLoops _loops;
    private readonly ConnectionLimit _limit;
    private readonly ClientConnections _perClient;
    private readonly TimeProvider _time;
    private CancellationToken _stopping;
    private bool _isDisposed;

    public FrontListener(
        FrontListenSocket socket, ListenSockets sockets, int count, FrontServices services, OwnPaths own, CertificateStore? certificates,
        FrontLoops loops, ILoggerFactory loggers)
    {
        (_socket, _sockets, _loops) = (socket, sockets, loops);
        var logger = loggers.CreateLogger<FrontLoop>();
        _contexts = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), loggers.CreateLogger<FrontListener>());
        (_limit, _perClient, _time) = (services.Limit, services.PerClient, services.Time);
        _workers = [.. Enumerable.Range(0, count).Select(_ => new FrontWorker(
            new FrontLoop(loops.NextIndex(), services.Time, logger), services, own,
            certificates is null ? null : new TlsContext(certificates.OptionsFor), HandOver))];
        _acceptors = [.. _workers.Select(worker => new FrontAcceptor(_socket, worker, _workers))];
        foreach (var (worker, acceptor) in _workers.Zip(_acceptors))
        {
            worker.Loop.Post(_ =>
            {
                worker.Begin();
                worker.Loop.StartAccepting(acceptor);
            }, null);
            worker.Loop.Start();
            loops.Add(worker);
        }

        sockets.Add(this);
    }

    public EndPoint EndPoint => Address;

    public IPEndPoint Address => _socket.EndPoint;

    public int Descriptor => _socket.Descriptor;

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _handedOver.Reader.WaitToReadAsync(cancellationToken) && _handedOver.Reader.TryRead(out var connection) ? connection : null;

    public Task StopAcceptingAsync() => Task.WhenAll(_workers.Zip(_acceptors, (worker, acceptor) => RunAsync(worker, acceptor.Stop)));

    /// <summary>Stops accepting; connections close after their current exchange.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _stopping = cancellationToken;
        _sockets.Remove(this);
        await StopAcceptingAsync();
        _socket.Dispose();
        // Gives the connections accepted last a turn, in which their requests are read.
        await Task.WhenAll(_workers.Select(worker => RunAsync(worker, () => { })));
        await WaitForHandshakesAsync();
        await Task.WhenAll(_workers.Select(worker => RunAsync(worker, () =>
        {
            worker.IsStopping = true;
            foreach (var client in worker.Loop.All().OfType<ClientConnection>().Where(client => client.IsIdle))
            {
                client.Close();
            }
        })));
        _handedOver.Writer.TryComplete();
    }

    /// <summary>Waits for exchanges in progress as long as the host permits, then aborts them.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        while (!_stopping.IsCancellationRequested && _workers.Any(worker => worker.Clients > 0))
        {
            await Task.Delay(20, CancellationToken.None);
        }

        foreach (var worker in _workers)
        {
            await RunAsync(worker, worker.Pools.Retire);
            worker.Loop.Dispose();
            _loops.Remove(worker);
        }

        _socket.Dispose();
        while (_handedOver.Reader.TryRead(out var left))
        {
            await left.DisposeAsync();
        }
    }

    private static Task RunAsync(FrontWorker worker, Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        worker.Loop.Post(_ =>
        {
            work();
            done.SetResult();
        }, null);
        return done.Task;
    }

    // Clients in a handshake are still served, by Kestrel where needed.
    private async Task WaitForHandshakesAsync()
    {
        var start = _time.GetTimestamp();
        while (!_stopping.IsCancellationRequested && _workers.Any(worker => worker.Handshakes > 0) && _time.GetElapsedTime(start) < HandshakeGrace)
        {
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private void HandOver(HandedOverConnection handedOver)
    {
        var socket = _contexts.Create(new Socket(new SafeSocketHandle(handedOver.Descriptor, ownsHandle: true)));
        var session = handedOver.Tls is { } tls ? TlsFeatures.Set(socket, tls) : null;
        var connection = new CountedConnection(socket, _limit, _perClient, handedOver.Key, session);
        connection.Features.Set(ProxyHeaderMark.Done);
        connection.RemoteEndPoint = handedOver.Source ?? connection.RemoteEndPoint;
        connection.Transport = new ReceivedPipe(handedOver.Received, connection.Transport);
        if (!_handedOver.Writer.TryWrite(connection))
        {
            _ = connection.DisposeAsync().AsTask();
        }
    }
}

/// <summary>The running loops, for monitoring.</summary>
internal sealed class FrontLoops : IWatched
{
    private readonly Lock _changing = new();
    private volatile FrontWorker[] _workers = [];
    private int _lastIndex = -1;

    /// <summary>An index that is unique in this process.</summary>
    public int NextIndex() => Interlocked.Increment(ref _lastIndex);

    public IReadOnlyList<FrontWorker> All => _workers;

    /// <summary>Client connections on all loops.</summary>
    public int Clients => _workers.Sum(worker => worker.Clients);

    /// <summary>Backend connections on all loops, idle and in use. Exact only while nothing changes.</summary>
    public int NodeConnections => _workers.Sum(worker => worker.Pools.Count);

    /// <summary>Bytes of buffers in use.</summary>
    public long HeldBytes => _workers.Sum(worker => worker.Loop.Buffers.Held);

    /// <summary>Open pipes on all loops.</summary>
    public int OpenPipes => _workers.Sum(worker => worker.Loop.Pipes.Open);

    public Task WaitForProgressAsync() => Task.WhenAll(_workers.Select(worker =>
    {
        var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        worker.Loop.Post(static turn => ((TaskCompletionSource)turn!).SetResult(), turn);
        return turn.Task;
    }));

    public void Add(FrontWorker worker)
    {
        lock (_changing)
        {
            _workers = [.. _workers, worker];
        }
    }

    public void Remove(FrontWorker worker)
    {
        lock (_changing)
        {
            _workers = [.. _workers.Where(other => other != worker)];
        }
    }
}
