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
        builder.Services.AddSingleton<KeptBytes>();
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
        app.Use(next => context => own.Contains(context) || admin.Has(context) ? RespondAsync(next, context) : forward(context));
        app.UseRouting();
        app.UseExactPaths();
        app.MapFallback("/{**path}", context => admin.Has(context) ? ExactPaths.RefuseAsync(context) : forward(context));
    }

    private static async Task RespondAsync(RequestDelegate next, HttpContext context)
    {
        // On a thread that has time: a page is worked out, and other clients' sockets must not wait for that.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await next(context);
    }
}
