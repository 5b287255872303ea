using System.Globalization;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Http.Features;

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

/// <summary>Which requests are logged.</summary>
/// <param name="Fraction"><c>ACCESS_LOG</c>: <c>off</c> (the default), <c>on</c>, or the fraction of requests (0 to 1) that is sampled at
/// random.</param>
internal sealed record AccessLogOptions(double Fraction)
{
    private const string Variable = "ACCESS_LOG";

    /// <summary>Whether to log the next request.</summary>
    public bool ShouldLog() => Fraction >= 1 || (Fraction > 0 && Random.Shared.NextDouble() < Fraction);

    public static AccessLogOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, "off");
        switch (text.ToLowerInvariant())
        {
            case "off":
                return new AccessLogOptions(0);
            case "on":
                return new AccessLogOptions(1);
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var fraction) && fraction is >= 0 and <= 1)
        {
            return new AccessLogOptions(fraction);
        }

        settings.Reject(Variable, text, "off, on, or a fraction of the requests from 0 to 1, such as 0.01");
        return new AccessLogOptions(0);
    }
}

/// <summary>Encodes text from clients and backends as one token of printable ASCII, so that it cannot forge log lines or fields.</summary>
internal static class AccessLogToken
{
    public const string None = "-";
    private const int MaxLength = 512;

    /// <summary>The path as the client sent it, without the query, which may contain secrets.</summary>
    public static string Path(HttpRequest request)
    {
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        // An absolute-form target (GET http://user:password@host/path) contains more than a path.
        var path = target.StartsWith('/') ? target : request.Path.ToUriComponent();
        var end = path.AsSpan().IndexOfAny('?', '#');
        return Of(end < 0 ? path : path[..end]);
    }

    /// <summary>Percent-encodes everything but printable ASCII, double quotes and backslashes included, and truncates to 512 characters.</summary>
    public static string Of(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return None;
        }

        var isLong = text.Length > MaxLength;
        return !isLong && text.All(IsPlain) ? text : Encode(isLong ? text[..MaxLength] : text) + (isLong ? "..." : "");
    }

    private static string Encode(string text)
    {
        var encoded = new StringBuilder(text.Length + 16);
        foreach (var octet in Encoding.UTF8.GetBytes(text))
        {
            if (IsPlain((char)octet))
            {
                encoded.Append((char)octet);
            }
            else
            {
                encoded.Append(CultureInfo.InvariantCulture, $"%{octet:X2}");
            }
        }

        return encoded.ToString();
    }

    private static bool IsPlain(char character) => character is > ' ' and <= '~' and not '"' and not '\\';
}
