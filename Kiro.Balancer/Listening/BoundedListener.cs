using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening.Takeover;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Kiro.Balancer.Listening;

/// <summary>
/// Accepts connections for Kestrel. Kestrel's own listener retries at once after any accept error, which without free descriptors is a busy loop.
/// </summary>
internal sealed class BoundedListener(
    Socket socket, bool isPlain, bool noDelay, SocketConnectionContextFactory connections, ListenSockets sockets, bool isAdmin, ClientAdmission admission,
    ConnectionLimit limit, ClientConnections perClient, TimeProvider time) : IConnectionListener, ISharedListener
{
    /// <summary>Delay before accepting again when no descriptors are free. Meanwhile clients wait in the accept queue.</summary>
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EndPoint EndPoint => Address;

    public IPEndPoint Address { get; } = (IPEndPoint)socket.LocalEndPoint!;

    public int Descriptor => (int)socket.Handle;

    // Kestrel does not cancel this; the listener does.
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                if (TryAdmit(await socket.AcceptAsync(_stopped.Token)) is { } connection)
                {
                    return connection;
                }
            }
            catch (SocketException shortage) when (IsShortage(shortage.SocketErrorCode))
            {
                admission.NoteShortage(shortage);
                await Task.Delay(RetryDelay, time, _stopped.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                await _unbound.Task;
                return null;
            }
            catch (Exception closed) when (closed is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return null;
            }
            catch (SocketException)
            {
                // The client disconnected before its connection was accepted.
            }
        }
    }

    public Task StopAcceptingAsync() => _stopped.CancelAsync();

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        if (_unbound.Task.IsCompleted)
        {
            return;
        }

        sockets.Remove(this);
        // The pending accept must end first: .NET would abort it by setting SO_LINGER, which the connections of every process that shares the
        // socket would inherit.
        await _stopped.CancelAsync();
        socket.Dispose();
        _unbound.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        connections.Dispose();
        _stopped.Dispose();
    }

    private CountedConnection? TryAdmit(Socket accepted)
    {
        if (!(isAdmin ? TryAdmitAdmin(accepted.Handle) : admission.TryAdmit(accepted.Handle)))
        {
            ClientAdmission.Refuse(accepted, isPlain ? Refusal.TooManyConnections.Span : []);
            return null;
        }

        ClientAddress? key = null;
        if (!isAdmin && perClient.IsOn && !perClient.TryEnter(PeerOf(accepted), out key))
        {
            ClientAdmission.Refuse(accepted, isPlain ? Refusal.TooManyFromClient.Span : []);
            limit.Leave();
            return null;
        }

        try
        {
            accepted.NoDelay = noDelay;
        }
        catch (SocketException)
        {
            // The client disconnected; the next read reports it.
        }

        return new CountedConnection(connections.Create(accepted), limit, perClient, key);
    }

    // The reserved descriptors are also for admin pages, but not the runtime's.
    private bool TryAdmitAdmin(long descriptor)
    {
        if (DescriptorLimit.IsReserved(descriptor))
        {
            limit.Refuse();
            return false;
        }

        return limit.TryEnter();
    }

    // A socket whose client has disconnected has no remote address.
    private static ClientAddress PeerOf(Socket accepted)
    {
        try
        {
            return ClientAddress.From((accepted.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.Loopback);
        }
        catch (SocketException)
        {
            return ClientAddress.From(IPAddress.Loopback);
        }
    }

    private static bool IsShortage(SocketError error) =>
        error is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.ProcessLimit;
}

/// <summary>Opens Kestrel's listeners with the settings of its socket transport.</summary>
internal sealed class BoundedListenerFactory(
    IOptions<SocketTransportOptions> transport, ListenPort plain, ListenSockets sockets, ClientAdmission admission, ConnectionLimit limit,
    ClientConnections perClient, AdminListener admin, BindErrors names, TimeProvider time, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var options = transport.Value;
        var socket = endpoint is IPEndPoint address && sockets.Take(address) is { } descriptor
            ? new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))
            : Bind(endpoint, options);
        DescriptorMessage.Share(socket);
        var connections = new SocketConnectionContextFactory(OptionsOf(options), loggers.CreateLogger<SocketConnectionContextFactory>());
        var isAdmin = admin.Accepts(endpoint);
        var listener = new BoundedListener(
            socket, isPlain: isAdmin || (endpoint as IPEndPoint)?.Port == plain.Port, options.NoDelay, connections, sockets, isAdmin, admission,
            isAdmin ? admin.Limit : limit, perClient, time);
        sockets.Add(listener);
        return ValueTask.FromResult<IConnectionListener>(listener);
    }

    private static SocketConnectionFactoryOptions OptionsOf(SocketTransportOptions options) => new()
    {
        IOQueueCount = options.IOQueueCount,
        WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
        MaxReadBufferSize = options.MaxReadBufferSize,
        MaxWriteBufferSize = options.MaxWriteBufferSize,
        UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
    };

    private Socket Bind(EndPoint endpoint, SocketTransportOptions options)
    {
        Socket? socket = null;
        try
        {
            socket = options.CreateBoundListenSocket(endpoint);
            socket.Listen(options.Backlog);
            return socket;
        }
        catch (SocketException problem)
        {
            socket?.Dispose();
            throw names.Problem(endpoint, problem);
        }
    }
}
