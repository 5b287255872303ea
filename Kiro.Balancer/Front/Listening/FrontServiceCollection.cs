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
/// The event loop's room. It serves the public ports, plain and TLS, for HTTP/1.0 and 1.1 requests to backends: every
/// method and framing, pipelining, event streams, WebSockets. It never serves the balancer's own pages or HTTP/2: those
/// connections are handed over to Kestrel with the bytes read so far, and only before a backend has seen any of them.
/// Requests that violate RFC 9112 it rejects itself.
/// </summary>
internal static partial class FrontServiceCollection
{
    /// <summary>Puts the event loops on the public ports, if they are enabled and supported.</summary>
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

    /// <summary>Logs why the loops are disabled, if that is not what was configured.</summary>
    public static void LogWhyLoopsAreDisabled(this WebApplication app, FrontOptions options)
    {
        if (options.DisabledReason is { } reason)
        {
            app.Lifetime.ApplicationStarted.Register(() => LoopsAreDisabled(app.Logger, reason));
        }
    }

    [LoggerMessage(33, LogLevel.Information, "The event loops are disabled, as with FORWARDER=lean: {Reason}")]
    private static partial void LoopsAreDisabled(ILogger logger, string reason);
}

/// <summary>Creates the listeners of the public ports. All other ports are Kestrel's.</summary>
internal sealed class FrontListenerFactory(
    IServiceProvider services, FrontOptions options, ListenPort listen, ListenSockets sockets, FrontLoops loops, BindErrors errors,
    ILoggerFactory loggers)
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
                services.GetRequiredService<OwnPaths>(),
                address.Port == options.TlsPort ? services.GetRequiredService<CertificateStore>() : null, loops, loggers));
        }
        catch (SocketException exception)
        {
            throw errors.Problem(endpoint, exception);
        }
    }
}
