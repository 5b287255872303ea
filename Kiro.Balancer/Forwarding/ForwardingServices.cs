using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Forwarding.Yarp;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Trace;

namespace Kiro.Balancer.Forwarding;

internal static class ForwardingServices
{
    public static void AddForwarding(
        this WebApplicationBuilder builder, ForwardingOptions options, Reloadable<ForwardingTimeouts> timeouts, Reloadable<StreamOptions> streams, bool keepsSessions)
    {
        // OpenTelemetry would write the client's baggage anew; it is passed on as it came.
        OpenTelemetry.Sdk.SetDefaultTextMapPropagator(new OpenTelemetry.Context.Propagation.TraceContextPropagator());
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton(services => new BackendConnections(
            timeouts, services.GetRequiredService<BackendTls>(), services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ConnectionWatch>(), isTraced: services.GetService<TracerProvider>() is not null));
        builder.Services.AddSingleton<YarpSender>();
        builder.Services.AddSingleton<ConnectionWatch>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ConnectionWatch>());
        builder.Services.AddSingleton<ConnectionPools>();
        builder.Services.AddSingleton<Http1Sender>();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(timeouts);
        builder.Services.AddSingleton(services => new ForwardingRules(
            services.GetRequiredService<HopMark>(), timeouts, services.GetRequiredService<ClientResolver>().Header,
            services.GetRequiredService<StickyOptions>().Cookie, services.GetRequiredService<Reloadable<ClientOptions>>().Value.WritesForwarded));
        builder.Services.AddSingleton(services => new OwnPaths(services.GetRequiredService<AdminListener>().IsOn));
        builder.Services.AddSingleton<RequestSenders>();
        builder.Services.AddSingleton<ForwardingCounters>();
        builder.Services.AddSingleton(services =>
        {
            // Asked for now: what still fails when the loops end finds nobody to ask any more.
            var counters = services.GetRequiredService<ForwardingCounters>();
            return new RetryBudget(() => counters.Requests, services.GetRequiredService<TimeProvider>());
        });
        builder.Services.AddSingleton<RetryChooser>();
        builder.Services.AddSingleton(services => new BackendGates(options.BackendConnections, services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<BufferBudget>();
        builder.Services.AddSingleton<RequestForwarder>();
        builder.Services.AddSingleton(streams);
        builder.Services.AddSingleton<OpenStreams>();
        builder.Services.AddHostedService<StreamDrain>();
        if (keepsSessions)
        {
            builder.Services.AddHostedService<StreamSessions>();
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            var limits = kestrel.ApplicationServices.GetRequiredService<Reloadable<LimitOptions>>().Value;
            kestrel.Limits.MaxRequestHeadersTotalSize = limits.MaxHead;
            kestrel.Limits.Http2.MaxRequestHeaderFieldSize = limits.MaxHead;
            // How large a body may be is the node's business, or LIMIT_REQUEST_BODY's. A client may be slow, but not stand still: nginx waits 60 s, too.
            kestrel.Limits.MaxRequestBodySize = null;
            // A client that sends faster than its node takes is made to wait soon, and with it the thread that receives.
            kestrel.Limits.MaxRequestBufferSize = 64 * 1024;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(60));
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(60));
            // The target in absolute form says which host is meant, whatever Host says (RFC 9112, section 3.2.2).
            kestrel.AllowHostHeaderOverride = true;
            kestrel.RequestHeaderEncodingSelector = RequestFieldEncoding.For;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        });
    }

    /// <summary>Forwards whatever is not the balancer's own. Most requests need no routing to tell.</summary>
    public static void UseForwarding(this WebApplication app, AdminListener admin)
    {
        var forwarder = app.Services.GetRequiredService<RequestForwarder>();
        var forward = app.Services.GetRequiredService<AccessLogWriter>().Around(forwarder.ForwardAsync);
        var own = app.Services.GetRequiredService<OwnPaths>();
        app.Use(next => context => own.Contains(context) || admin.Accepts(context) ? RespondAsync(next, context) : forward(context));
        app.UseRouting();
        app.UseExactPaths();
        app.MapFallback("/{**path}", context => admin.Accepts(context) ? ExactPaths.RefuseAsync(context) : forward(context));
    }

    private static async Task RespondAsync(RequestDelegate next, HttpContext context)
    {
        // On a thread that has time: a page is worked out, and other clients' sockets must not wait for that.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await next(context);
    }
}

/// <summary>How requests are sent to nodes.</summary>
/// <param name="Path"><c>FORWARDER</c>: <c>loop</c> (the default where it is supported: Linux), <c>lean</c> (elsewhere) or <c>yarp</c>.</param>
/// <param name="Timeouts"><c>CONNECT_TIMEOUT</c>, <c>EXCHANGE_TIMEOUT</c>.</param>
/// <param name="BackendConnections"><c>BACKEND_CONNECTIONS</c>: requests, and with them connections, that one node gets at the
/// same time, 0 to 100000, default 0 (no bound). What is too much waits in order.</param>
internal sealed record ForwardingOptions(ForwardingPath Path, ForwardingTimeouts Timeouts, int BackendConnections = 0)
{
    private const string Variable = "FORWARDER";

    public static ForwardingOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, OperatingSystem.IsLinux() ? "loop" : "lean");
        ForwardingPath? path = text switch
        {
            "loop" => ForwardingPath.Loop,
            "lean" => ForwardingPath.Lean,
            "yarp" => ForwardingPath.Yarp,
            _ => null,
        };
        if (path is null)
        {
            settings.Reject(Variable, text, "loop, lean or yarp");
        }

        return new ForwardingOptions(
            path ?? ForwardingPath.Lean,
            ForwardingTimeouts.Read(settings),
            settings.WholeNumber("BACKEND_CONNECTIONS", 0, 0, 100_000));
    }
}

/// <summary>Ways of a request to its node.</summary>
internal enum ForwardingPath
{
    /// <summary>Plain HTTP/1 on the event loops of Front, where the system has epoll; the rest as <see cref="Lean"/>.</summary>
    Loop,

    /// <summary>Straight over a socket, for all that is HTTP/1.x without an upgrade; the rest by <see cref="Yarp"/>.</summary>
    Lean,

    /// <summary>Everything by YARP and HttpClient.</summary>
    Yarp,
}

/// <summary>How long nodes may take. These are backstops: a node that hangs is found by its probes.</summary>
/// <param name="Connect"><c>CONNECT_TIMEOUT</c>: until a node has accepted a connection, 0.1 to 300 s, default 2 s: nodes are
/// near, and one that has not accepted by then is as good as gone.</param>
/// <param name="Exchange"><c>EXCHANGE_TIMEOUT</c>: for how long an exchange may stand still, 1 s to a day, default 5 min
/// (Envoy's idle timeout).</param>
internal sealed record ForwardingTimeouts(TimeSpan Connect, TimeSpan Exchange)
{
    /// <summary>A node that does not know "100-continue" gets the body after this time (RFC 9110, section 10.1.1).</summary>
    public static readonly TimeSpan Continue = TimeSpan.FromSeconds(1);

    /// <summary>For upgraded connections and event streams, unless exchanges may stand still for longer (HAProxy's tunnel).</summary>
    private static readonly TimeSpan MinStream = TimeSpan.FromHours(1);

    public static ForwardingTimeouts Default { get; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5));

    /// <summary>For how long an upgraded connection or an event stream may stand still.</summary>
    public TimeSpan Stream => Exchange > MinStream ? Exchange : MinStream;

    public static ForwardingTimeouts Read(SettingsReader settings) => new(
        settings.Seconds("CONNECT_TIMEOUT", Default.Connect.TotalSeconds, 0.1, 300),
        settings.Seconds("EXCHANGE_TIMEOUT", Default.Exchange.TotalSeconds, 1, 86_400));
}
