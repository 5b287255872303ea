using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening.Takeover;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Kiro.Balancer.Listening;

/// <summary>Opens Kestrel's listeners, with the settings that its own socket transport has.</summary>
internal sealed class BoundedListenerFactory(
    IOptions<SocketTransportOptions> transport, ListenPort plain, ListenSockets sockets, ClientAdmission admission, ConnectionLimit limit,
    ClientConnections perClient, AdminListener admin, PortNames names, TimeProvider time, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
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
        var isAdmin = admin.Has(endpoint);
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
