using System.Net;
using System.Reflection;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Telemetry;
using Kiro.ServiceDefaults.Trust;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Kiro.ServiceDefaults;

/// <summary>What the balancer and the API share: logs, telemetry, service discovery, drain, health endpoints.</summary>
public static class ServiceDefaultsExtensions
{
    // Some probes use HEAD.
    private static readonly string[] Read = ["GET", "HEAD"];

    /// <summary>The version of the running program, such as <c>0.2.0</c>.</summary>
    public static string Version { get; } =
        Assembly.GetEntryAssembly()?.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>Adds the common parts.</summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="listen">The port and listen addresses.</param>
    /// <param name="drain">The shutdown settings.</param>
    /// <param name="log">The log settings.</param>
    /// <param name="report">The settings and their warnings, which are logged at startup.</param>
    /// <param name="configure">Additional configuration of the endpoint.</param>
    public static void AddServiceDefaults(
        this WebApplicationBuilder builder, ListenPort listen, Reloadable<DrainOptions> drain, LogOptions log, Reloadable<SettingsReport> report,
        Action<ListenOptions>? configure = null)
    {
        builder.AddPlainLogging(log);
        builder.AddTelemetry();
        builder.Services.AddServiceDiscovery();
        // ASPNETCORE_FORWARDEDHEADERS_ENABLED, which some tools set, makes the framework trust everybody. Only TRUSTED_PROXIES
        // decides whom to trust.
        builder.Services.PostConfigure<ForwardedHeadersOptions>(options => options.ForwardedHeaders = ForwardedHeaders.None);

        builder.Services.AddSingleton<AdminAccess>();
        builder.Services.AddSingleton(report);
        builder.Services.AddHostedService<SettingWarnings>();
        builder.Services.AddSingleton(listen);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ListenOn(listen.Addresses, listen.Port, configure ?? (_ => { }));
        });

        builder.Services.AddSingleton(drain);
        builder.Services.AddSingleton<Drain>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Drain>());
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, SignalLifetime>());
        builder.Services.Configure<HostOptions>(host =>
        {
            Bound(drain.Value);
            // The host reads it on shutdown.
            drain.OnChange(Bound);

            void Bound(DrainOptions options) => host.ShutdownTimeout = options.Delay + options.Timeout;
        });
        if (Environment.GetEnvironmentVariable(ServiceManager.Variable) is { Length: > 0 } manager)
        {
            builder.Services.AddHostedService(services => new ServiceManager(
                manager, services.GetServices<IWatched>(), services.GetRequiredService<TimeProvider>()));
        }

        if (builder.Configuration[StopWithParent.Variable] == "1")
        {
            builder.Services.AddHostedService<StopWithParent>();
        }
    }

    /// <summary>Listens on a port of the given addresses; if there are none, of all addresses, IPv4 and IPv6.</summary>
    public static void ListenOn(
        this KestrelServerOptions kestrel, IReadOnlyList<IPAddress> addresses, int port, Action<ListenOptions> configure)
    {
        if (addresses.Count == 0)
        {
            kestrel.ListenAnyIP(port, configure);
        }

        foreach (var address in addresses)
        {
            kestrel.Listen(address, port, configure);
        }
    }

    /// <summary>Maps <c>/health</c>, <c>/alive</c> and <c>/metrics</c>, in every environment, because probes are needed in production.</summary>
    /// <param name="app">The service.</param>
    /// <param name="health">The service's own response to <c>GET /health</c>.</param>
    public static void MapDefaultEndpoints(this WebApplication app, Func<IResult> health)
    {
        app.MapMethods("/health", Read, context => RespondAsync(context, health()));
        app.MapMethods("/alive", Read, context => RespondAsync(context, Results.Text("alive\n")));
        app.MapPrometheusScrapingEndpoint();
    }

    private static Task RespondAsync(HttpContext context, IResult result)
    {
        context.Response.Headers.CacheControl = "no-store";
        return result.ExecuteAsync(context);
    }
}
