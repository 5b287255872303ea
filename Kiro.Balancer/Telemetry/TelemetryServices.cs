using Kiro.Balancer.Telemetry.Traffic;
using OpenTelemetry.Metrics;

namespace Kiro.Balancer.Telemetry;

internal static class TelemetryServices
{
    // What a client writes into its Host field must not become a label: each new one would be a new series for ever.
    private static readonly string[] TagsOfRequestsToNodes =
    [
        "http.request.method", "http.response.status_code", "http.connection.state", "error.type",
        "network.protocol.version", "network.peer.address", "server.port",
    ];

    public static void AddBalancerMetrics(this IServiceCollection services)
    {
        services.AddSingleton<OwnResponses>();
        services.AddHostedService<KestrelRefusals>();
        services.AddSingleton<TrafficWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<TrafficWatch>());
        services.AddHostedService<BalancerMetrics>();
        services.AddHostedService<LimitMetrics>();
        services.AddHostedService<PeerMetrics>();
        services.AddHostedService<TlsMetrics>();
        services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddView(instrument =>
            instrument.Meter.Name == "System.Net.Http" ? new MetricStreamConfiguration { TagKeys = TagsOfRequestsToNodes } : null));
    }
}
