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
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Selection;
using Kiro.Balancer.Telemetry;
using Kiro.Balancer.Telemetry.AccessLog;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Balancer;

/// <summary>The balancer, put together in the order in which a request meets its rooms.</summary>
internal static class BalancerApplication
{
    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var settings = BalancerSettings.Read(builder.Configuration);
        // Before the listeners, or they would not know of it.
        builder.WebHost.ConfigureKestrel(ClientConnection.WrapAll);
        builder.AddServiceDefaults(settings.Listening.Listen, settings.Drain, settings.Log, settings.Report,
            settings.Http2.IsOn ? Http2Listening.UseHttp2 : null);
        builder.AddTls(settings.Tls, settings.Listening.Listen);
        builder.AddHttp2(settings.Http2);

        builder.AddListening(settings.Listening);
        builder.Services.AddClients(settings.Clients);
        builder.Services.AddLimits(settings.Limits);
        builder.Services.AddSelection(settings.Hashing, settings.Selection);
        builder.Services.AddBackends(settings.Transport, settings.Health.Thresholds, settings.Selection.SlowStart > TimeSpan.Zero || settings.Selection.KeepsSessions);
        builder.Services.AddSingleton(settings.ErrorPage);
        builder.AddForwarding(settings.Forwarding, settings.Streams, settings.Selection.KeepsSessions);
        builder.Services.AddFront(settings.Front);

        builder.Services.AddAdmin(settings.Admin);
        builder.Services.AddPeers(settings.Peers);
        builder.Services.AddDiscovery(settings.Discovery);
        builder.Services.AddHealth(settings.Health, settings.Errors);
        builder.Services.AddBalancerMetrics();
        builder.Services.AddAccessLog(settings.AccessLog);

        var app = builder.Build();
        app.UseSchemeOfConnection(settings.Http2);
        app.UseConnectionCloseWhileDraining();
        app.UseHttpsRedirect(settings.Tls);
        app.UseForwarding();
        app.MapDefaultEndpoints(app.Services.GetRequiredService<BalancerHealth>().Answer);
        app.MapStatus();
        app.MapAdmin();
        app.SayWhyLoopsAreOff(settings.Front);
        app.SayWhenServing(settings.Listening.Listen, settings.Discovery);
        return app;
    }
}
