using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Kiro.ServiceDefaults.Telemetry;

/// <summary>Metrics are always there for <c>/metrics</c>; traces, logs and metrics leave by OTLP when an endpoint is set.</summary>
internal static class TelemetryExtensions
{
    // AddAspNetCoreInstrumentation would add a middleware with these, only to tell the type of an exception.
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

        // Without a receiver nobody would read spans or records, and every request would pay for them.
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
