using Kiro.Balancer.Admin;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Front.Listening;
using Kiro.Balancer.Health;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Http2;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Balancer.State;
using Kiro.Balancer.Telemetry;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer;

/// <summary>Builds the balancer; rooms are added in the order in which a request meets them.</summary>
internal static class BalancerApplication
{
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var reader = new SettingsReader(builder.Configuration);
        var settings = BalancerSettings.Read(reader, builder.Configuration);
        // Rooms take their options from here, so that a reload reaches them.
        var live = new ActiveSettings<BalancerSettings>(settings);
        var sockets = new ListenSockets();
        SystemdSockets.Collect(sockets);
        // Must come first: these defaults only apply to endpoints added later.
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint =>
        {
            ProxyProtocolListening.Use(endpoint);
            KestrelConnection.Wrap(endpoint);
        }));
        builder.AddServiceDefaults(settings.Listening.Listen, live.Of(all => all.Drain), settings.Log, live.Of(all => all.Report),
            settings.Http2.IsOn ? Http2Listening.UseHttp2 : null);
        var tls = live.Of(all => all.Tls);
        builder.AddTls(tls, settings.Listening.Listen);
        builder.AddHttp2(settings.Http2);

        builder.AddListening(live.Of(all => all.Listening), sockets);
        builder.AddAdminListener(settings.AdminListener);
        builder.Services.AddClients(live.Of(all => all.Clients));
        builder.Services.AddLimits(live.Of(all => all.Limits));
        builder.Services.AddSelection(settings.Hashing, settings.Selection);
        builder.Services.AddBackends(settings.Transport, live.Of(all => all.Health.Thresholds), settings.Selection.SlowStart > TimeSpan.Zero || settings.Selection.KeepsSessions);
        builder.Services.AddSingleton(live.Of(all => all.ErrorPage));
        builder.AddForwarding(settings.Forwarding, live.Of(all => all.Forwarding.Timeouts), live.Of(all => all.Streams), settings.Selection.KeepsSessions);
        builder.Services.AddFront(settings.Front);

        builder.Services.AddAdmin(live.Of(all => all.Admin));
        builder.Services.AddPeers(live.Of(all => all.Peers), settings.Selection.KeepsSessions);
        builder.Services.AddDiscovery(live.Of(all => all.Discovery));
        builder.Services.AddHealth(live.Of(all => all.Health), live.Of(all => all.Errors));
        builder.Services.AddBalancerMetrics();
        builder.Services.AddAccessLog(live.Of(all => all.AccessLog));
        builder.Services.AddState(settings.State);
        builder.AddTakeover();
        builder.Services.AddReload(reader, builder.Configuration, again => ApplyAction(live, BalancerSettings.Read(again, builder.Configuration, tls.Value.Files)), BalancerSettings.CanChange);

        var app = builder.Build();
        app.UseSchemeOfConnection(settings.Http2);
        app.UseConnectionCloseWhileDraining();
        app.UseAdminListener(settings.AdminListener);
        app.UseHttpsRedirect(settings.Tls, settings.AdminListener);
        app.UseForwarding(settings.AdminListener);
        app.MapDefaultEndpoints(app.Services.GetRequiredService<BalancerHealth>().Respond);
        app.MapStatus();
        app.MapAdmin();
        app.LogWhyLoopsAreDisabled(settings.Front);
        app.LogWhenStarted(settings.Listening.Listen, settings.AdminListener, settings.Discovery);
        return app;
    }

    private static Action ApplyAction(ActiveSettings<BalancerSettings> live, BalancerSettings next) => () => live.Take(next);
}

/// <summary>
/// Runs socket continuations inline on the polling thread instead of dispatching them to the thread pool. They must neither block nor run long,
/// or they stall every connection of that thread. YARP's body copying does, so this is for the lean path only, which yields.
/// </summary>
internal static class InlineCompletions
{
    private const string Variable = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>Must be called before the process uses a socket. A variable that is already set takes precedence.</summary>
    public static WebApplicationBuilder WithInlineCompletions(this WebApplicationBuilder builder)
    {
        var isLean = builder.Configuration["FORWARDER"]?.Trim() != "yarp";
        if (isLean && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Variable)))
        {
            Environment.SetEnvironmentVariable(Variable, "1");
        }

        return builder;
    }
}
