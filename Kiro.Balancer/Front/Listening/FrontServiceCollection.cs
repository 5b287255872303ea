using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;
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

/// <summary>Whether, and on how many threads, HTTP/1 is forwarded by event loops.</summary>
/// <param name="IsOn">Whether <c>FORWARDER</c> enables them and the system supports epoll.</param>
/// <param name="Loops"><c>FRONT_LOOPS</c>: 1 to 256 for each port; by default the number of processors.</param>
/// <param name="HasPlain">Whether they serve the plain port: not when it only redirects to HTTPS.</param>
/// <param name="TlsPort">Their TLS port; null for none.</param>
/// <param name="DisabledReason">Why they are disabled although requested; null when they are on, or not requested.</param>
internal sealed record FrontOptions(bool IsOn, int Loops, bool HasPlain, int? TlsPort, string? DisabledReason = null)
{
    public static FrontOptions Read(
        SettingsReader settings, ForwardingOptions forwarding, TlsOptions tls, BackendTransportOptions transport, DiscoveryOptions discovery)
    {
        var isRequested = forwarding.Path == ForwardingPath.Loop;
        if (isRequested && !IsSupported)
        {
            settings.Warn("FORWARDER=loop needs Linux: on this system requests are forwarded through Kestrel, as with lean.");
        }

        var isPossible = isRequested && IsSupported;
        var reason = !isPossible ? null
            : transport.IsHttp2 ? "backends use HTTP/2 (BACKEND_PROTOCOL)"
            : discovery.HasTls ? "backends use TLS"
            : null;
        return new FrontOptions(
            isPossible && reason is null, settings.WholeNumber("FRONT_LOOPS", Environment.ProcessorCount, 1, 256),
            HasPlain: tls.RedirectPort is null, tls.Port, reason);
    }

    /// <summary>Whether the system has epoll.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();
}
