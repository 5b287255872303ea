using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Telemetry.AccessLog;

/// <summary>Writes one line per forwarded request once it has finished. Turned off, it costs a request one comparison.</summary>
internal sealed class AccessLogWriter(Reloadable<AccessLogOptions> options, ClientResolver clients, TimeProvider time, ILoggerFactory loggers)
{
    public const string Category = "Kiro.Access";

    // As nginx logs a client that closed before the response.
    private const int ClientClosedRequest = 499;

    private readonly ILogger _logger = loggers.CreateLogger(Category);

    /// <summary>Wraps the forwarding.</summary>
    public RequestDelegate Around(RequestDelegate forward) => context => IsOn ? ForwardAsync(context, forward) : forward(context);

    /// <summary>Notes an attempt to send the request to a backend.</summary>
    public void Tried(HttpContext context, KnownBackend backend)
    {
        if (IsOn)
        {
            context.Features.Get<AccessRecord>()?.Tried(backend);
        }
    }

    private bool IsOn => options.Value.Fraction > 0;

    private Task ForwardAsync(HttpContext context, RequestDelegate forward) =>
        _logger.IsEnabled(LogLevel.Information) && options.Value.ShouldLog()
            ? ForwardAndWriteAsync(context, forward)
            : forward(context);

    private async Task ForwardAndWriteAsync(HttpContext context, RequestDelegate forward)
    {
        var start = time.GetTimestamp();
        var record = new AccessRecord();
        context.Features.Set(record);
        // Resolved first: the connection may lose its remote address when it closes.
        var client = clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, out _);
        try
        {
            await forward(context);
        }
        finally
        {
            _logger.Served(
                client.Address.ToString(),
                AccessLogToken.Of(context.Request.Method),
                AccessLogToken.Path(context.Request),
                context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted ? ClientClosedRequest : context.Response.StatusCode,
                Bytes(context),
                Math.Round(time.GetElapsedTime(start).TotalMilliseconds, 1),
                AccessLogToken.Of(record.Backend?.Name),
                record.Tries);
        }
    }

    // Counting streamed bytes would cost every write; most responses have a Content-Length.
    private static string Bytes(HttpContext context) =>
        context.Request.Method == HttpMethods.Head || context.Response.StatusCode is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified
            ? "0"
            : context.Response.ContentLength?.ToString(CultureInfo.InvariantCulture) ?? AccessLogToken.None;
}

/// <summary>What is collected for a line while the request is forwarded.</summary>
internal sealed class AccessRecord
{
    /// <summary>The backend tried last; null if there was none.</summary>
    public KnownBackend? Backend { get; private set; }

    public int Tries { get; private set; }

    public void Tried(KnownBackend backend)
    {
        Backend = backend;
        Tries++;
    }
}

internal static class AccessLogServices
{
    public static void AddAccessLog(this IServiceCollection services, Reloadable<AccessLogOptions> options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AccessLogWriter>();
    }
}
