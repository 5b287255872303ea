using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Front.Exchange;
using Kiro.Balancer.Front.Native;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Front.Listening;

/// <summary>
/// The event loop's room. It takes what comes to the public ports, plain or by TLS, as HTTP/1.0 or 1.1 and is for a node: every
/// method, every framing, pipelining, event streams, WebSockets. It never takes the balancer's own pages or HTTP/2: those
/// connections go to Kestrel with the bytes read so far, before a node has seen any of them, and never after. What breaks
/// RFC 9112 it refuses itself.
/// </summary>
internal static partial class FrontServiceCollection
{
    /// <summary>Has the loops take the public ports, when that is wanted and possible.</summary>
    public static void AddFront(this IServiceCollection services, FrontOptions options)
    {
        services.AddSingleton<FrontLoops>();
        services.AddSingleton<IWatched>(provider => provider.GetRequiredService<FrontLoops>());
        if (!options.IsOn)
        {
            return;
        }

        services.AddSingleton(options);
        services.AddSingleton<FrontMetrics>();
        services.AddSingleton<FrontAccessLog>();
        services.AddSingleton<IConnectionListenerFactory, FrontListenerFactory>();
    }

    /// <summary>Says once why the loops are off, if that is not what was asked for.</summary>
    public static void SayWhyLoopsAreOff(this WebApplication app, FrontOptions options)
    {
        if (options.OffBecause is { } reason)
        {
            app.Lifetime.ApplicationStarted.Register(() => LoopsAreOff(app.Logger, reason));
        }
    }

    [LoggerMessage(33, LogLevel.Information, "The event loops are off, as with FORWARDER=lean: {Reason}")]
    private static partial void LoopsAreOff(ILogger logger, string reason);
}

/// <summary>Listens on the public ports in Kestrel's place. Any other port is Kestrel's own.</summary>
internal sealed class FrontListenerFactory(
    IServiceProvider services, FrontOptions options, ListenPort listen, ListenSockets sockets, FrontLoops loops, BindErrors names, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) =>
        endpoint is IPEndPoint { Port: var port } && (port == options.TlsPort || (options.HasPlain && port == listen.Port));

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        try
        {
            var address = (IPEndPoint)endpoint;
            var socket = sockets.Take(address) is { } descriptor ? new FrontListenSocket(descriptor) : new FrontListenSocket(address);
            return ValueTask.FromResult<IConnectionListener>(new FrontListener(
                socket, sockets, options.Loops, ActivatorUtilities.CreateInstance<FrontServices>(services),
                services.GetRequiredService<OwnPaths>(), address.Port == options.TlsPort ? services.GetRequiredService<CertificateStore>() : null, loops, loggers));
        }
        catch (SocketException problem)
        {
            throw names.Problem(endpoint, problem);
        }
    }
}
