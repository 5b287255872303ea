using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Telemetry.AccessLog;

/// <summary>Writes one line for a forwarded request once it is over. Off, a request pays for one comparison.</summary>
internal sealed class AccessLogWriter(Reloadable<AccessLogOptions> options, ClientResolver clients, TimeProvider time, ILoggerFactory loggers)
{
    /// <summary>The category of the lines.</summary>
    public const string Category = "Kiro.Access";

    // nginx's number for a client that did not wait for the response.
    private const int ClientClosedRequest = 499;

    private readonly ILogger _logger = loggers.CreateLogger(Category);

    /// <summary>Puts the log around the forwarding.</summary>
    public RequestDelegate Around(RequestDelegate forward) => context => IsOn ? ForwardAsync(context, forward) : forward(context);

    /// <summary>Notes that a request goes to a node.</summary>
    public void Tried(HttpContext context, KnownBackend backend)
    {
        if (IsOn)
        {
            context.Features.Get<AccessRecord>()?.Tried(backend);
        }
    }

    private bool IsOn => options.Value.Fraction > 0;

    private Task ForwardAsync(HttpContext context, RequestDelegate forward) =>
        _logger.IsEnabled(LogLevel.Information) && options.Value.Picks()
            ? ForwardAndWriteAsync(context, forward)
            : forward(context);

    private async Task ForwardAndWriteAsync(HttpContext context, RequestDelegate forward)
    {
        var start = time.GetTimestamp();
        var record = new AccessRecord();
        context.Features.Set(record);
        // Now, because the connection may not know its other end any more when it is gone.
        var client = clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers, out _);
        try
        {
            await forward(context);
        }
        finally
        {
            _logger.Served(
                client.Address.ToString(),
                AccessWord.Of(context.Request.Method),
                AccessWord.Path(context.Request),
                context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted ? ClientClosedRequest : context.Response.StatusCode,
                Bytes(context),
                Math.Round(time.GetElapsedTime(start).TotalMilliseconds, 1),
                AccessWord.Of(record.Backend?.Name),
                record.Tries);
        }
    }

    // Counting the bytes of a stream would cost every write; most responses say how long they are.
    private static string Bytes(HttpContext context) =>
        context.Request.Method == HttpMethods.Head || context.Response.StatusCode is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified
            ? "0"
            : context.Response.ContentLength?.ToString(CultureInfo.InvariantCulture) ?? AccessWord.None;
}

/// <summary>What a request that will be logged gathers on its way.</summary>
internal sealed class AccessRecord
{
    /// <summary>The node that was tried last; null when none was.</summary>
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
