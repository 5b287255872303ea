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
        // By default, OpenTelemetry would rewrite the client's baggage.
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
            services.GetRequiredService<LoopMarker>(), timeouts, services.GetRequiredService<ClientResolver>().Header,
            services.GetRequiredService<StickyOptions>().Cookie, services.GetRequiredService<Reloadable<ClientOptions>>().Value.WritesForwarded));
        builder.Services.AddSingleton(services => new OwnPaths(services.GetRequiredService<AdminListener>().IsOn));
        builder.Services.AddSingleton<RequestSenders>();
        builder.Services.AddSingleton<ForwardingCounters>();
        builder.Services.AddSingleton(services =>
        {
            // Resolved eagerly: failures while the loops stop come after the container is disposed.
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
            // The body size is limited by LIMIT_REQUEST_BODY or by the backend. A client may be slow but must not stall; nginx, too, waits 60 s.
            kestrel.Limits.MaxRequestBodySize = null;
            // Bounds buffering, so that backpressure soon reaches a client that sends faster than its backend reads.
            kestrel.Limits.MaxRequestBufferSize = 64 * 1024;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(60));
            kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 100, gracePeriod: TimeSpan.FromSeconds(60));
            // The authority of an absolute-form target overrides Host (RFC 9112, section 3.2.2).
            kestrel.AllowHostHeaderOverride = true;
            kestrel.RequestHeaderEncodingSelector = RequestFieldEncoding.For;
            kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
        });
    }

    /// <summary>Forwards everything but the balancer's own paths, without routing in the common case.</summary>
    public static void UseForwarding(this WebApplication app, AdminListener admin)
    {
        var forwarder = app.Services.GetRequiredService<RequestForwarder>();
        var forward = app.Services.GetRequiredService<AccessLogWriter>().Around(forwarder.ForwardAsync);
        var own = app.Services.GetRequiredService<OwnPaths>();
        app.Use(next => context => own.Contains(context) || admin.Accepts(context) ? RespondAsync(next, context) : forward(context));
        app.UseRouting();
        app.UseExactPaths();
        app.MapFallback("/{**path}", context => admin.Accepts(context) ? ExactPaths.NotFoundAsync(context) : forward(context));
    }

    private static async Task RespondAsync(RequestDelegate next, HttpContext context)
    {
        // Building a page takes time, and this thread serves other clients' sockets.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await next(context);
    }
}
