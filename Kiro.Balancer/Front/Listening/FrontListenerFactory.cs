using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Front.Exchange;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Takeover;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Front.Listening;

/// <summary>Listens on the public port in Kestrel's place. Any other port is Kestrel's own.</summary>
internal sealed class FrontListenerFactory(
    IServiceProvider services, FrontOptions options, ListenPort listen, ListenSockets sockets, FrontLoops loops, PortNames names, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint { Port: var port } && port == listen.Port;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            var address = (IPEndPoint)endpoint;
            var socket = sockets.Take(address) is { } descriptor ? new FrontListenSocket(descriptor) : new FrontListenSocket(address);
            return ValueTask.FromResult<IConnectionListener>(new FrontListener(
                socket, sockets, options.Loops, ActivatorUtilities.CreateInstance<FrontServices>(services),
                services.GetRequiredService<OwnPaths>(), loops, loggers));
        }
        catch (SocketException problem)
        {
            throw names.Problem(endpoint, problem);
        }
    }
}
