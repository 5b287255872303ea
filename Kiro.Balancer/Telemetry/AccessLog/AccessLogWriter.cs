using System.Globalization;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Http.Features;

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
                AccessLogToken.Of(context.Request.Method),
                AccessLogToken.Path(context.Request),
                context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted ? ClientClosedRequest : context.Response.StatusCode,
                Bytes(context),
                Math.Round(time.GetElapsedTime(start).TotalMilliseconds, 1),
                AccessLogToken.Of(record.Backend?.Name),
                record.Tries);
        }
    }

    // Counting the bytes of a stream would cost every write; most responses say how long they are.
    private static string Bytes(HttpContext context) =>
        context.Request.Method == HttpMethods.Head || context.Response.StatusCode is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified
            ? "0"
            : context.Response.ContentLength?.ToString(CultureInfo.InvariantCulture) ?? AccessLogToken.None;
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

/// <summary>Which requests get a line of their own.</summary>
/// <param name="Fraction"><c>ACCESS_LOG</c>: <c>off</c> (the default), <c>on</c>, or the fraction of requests, 0 to 1, that are
/// picked at random.</param>
internal sealed record AccessLogOptions(double Fraction)
{
    private const string Variable = "ACCESS_LOG";

    /// <summary>Whether the next request gets one.</summary>
    public bool Picks() => Fraction >= 1 || (Fraction > 0 && Random.Shared.NextDouble() < Fraction);

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

/// <summary>Makes what a client or a node sent one word of printable ASCII: nobody writes a line, or a field, of their own.</summary>
internal static class AccessLogToken
{
    public const string None = "-";
    private const int MaxLength = 512;

    /// <summary>The path as the client wrote it, without the query, which may hold secrets.</summary>
    public static string Path(HttpRequest request)
    {
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        // An absolute target (GET http://user:password@host/path) has more than a path.
        var path = target.StartsWith('/') ? target : request.Path.ToUriComponent();
        var end = path.AsSpan().IndexOfAny('?', '#');
        return Of(end < 0 ? path : path[..end]);
    }

    /// <summary>Everything but printable ASCII percent-encoded, a double quote and a backslash too; at most 512 characters.</summary>
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
