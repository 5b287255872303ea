using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Kiro.ServiceDefaults.Telemetry;

/// <summary>Metrics are always available at <c>/metrics</c>; traces, logs and metrics are exported through OTLP if an endpoint is set.</summary>
internal static class TelemetryExtensions
{
    // Not AddAspNetCoreInstrumentation, which adds a middleware just for the exception type.
    private static readonly string[] Meters =
        ["Kiro.*", "MySqlConnector", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel"];
    private static readonly string[] Sources = ["Kiro.*", "Yarp.ReverseProxy", "MySqlConnector"];
    private static readonly PathString[] Unobserved = ["/health", "/alive", "/metrics", "/lb/status"];

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        var telemetry = builder.Services.AddOpenTelemetry();
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_SERVICE_NAME"]))
        {
            telemetry.ConfigureResource(resource => resource.AddService(builder.Environment.ApplicationName));
        }

        telemetry.WithMetrics(metrics => metrics
            .AddHttpClientInstrumentation()
            .AddRuntimeInstrumentation()
            .AddMeter(Meters)
            .AddPrometheusExporter());

        // Without a receiver, spans and log records would only cost every request time.
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return;
        }

        telemetry.WithTracing(tracing => tracing
            .AddSource(Sources)
            .AddAspNetCoreInstrumentation(options => options.Filter = context =>
                !Unobserved.Any(path => context.Request.Path.StartsWithSegments(path)))
            .AddHttpClientInstrumentation());
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        telemetry.UseOtlpExporter();
    }
}
