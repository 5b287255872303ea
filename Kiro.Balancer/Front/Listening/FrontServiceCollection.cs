using Kiro.Balancer.Front.Exchange;
using Kiro.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Connections;

namespace Kiro.Balancer.Front.Listening;

/// <summary>
/// The event loop's room. It takes what comes to the public port as plain HTTP/1.0 or 1.1 and is for a node: every method,
/// every framing, pipelining, event streams, WebSockets. It never takes the balancer's own pages, HTTP/2 or TLS: those
/// connections go to Kestrel with the bytes read so far, before a node has seen any of them, and never after. What breaks
/// RFC 9112 it refuses itself.
/// </summary>
internal static partial class FrontServiceCollection
{
    /// <summary>Has the loops take the public port, when that is wanted and possible.</summary>
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
