using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

/// <summary>The request rate limit per client. Costs a null check when off, and 8 MiB when on, for any number of clients.</summary>
internal sealed partial class RequestLimit
{
    /// <summary>The error, with 429.</summary>
    public const string Problem = "too many requests from your address";

    /// <summary>As many as selection has.</summary>
    private const int Slots = 1 << 20;

    private readonly ILogger<RequestLimit> _logger;
    private readonly Burst _refusals;
    private volatile RateTable? _table;

    public RequestLimit(Reloadable<LimitOptions> options, TimeProvider time, ILogger<RequestLimit> logger)
    {
        (_logger, _refusals, _table) = (logger, new Burst(time), TableFor(options.Value));
        // A new limit starts from zero for everyone.
        options.OnChange(now => _table = TableFor(now));

        RateTable? TableFor(LimitOptions limits) =>
            limits.RequestsPerSecond > 0 ? new RateTable(Slots, limits.RequestsPerSecond, limits.Burst, time) : null;
    }

    /// <summary>Whether there is a limit; if not, the other members need not be called.</summary>
    public bool IsOn => _table is not null;

    /// <summary>Requests refused since the start.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Takes a token for a request.</summary>
    /// <param name="key">The hashed part of the client's address.</param>
    /// <param name="retryAfter">If refused: seconds until the next request is allowed, at least 1.</param>
    public bool TryTake(ClientAddress key, out int retryAfter)
    {
        retryAfter = 0;
        if (_table is not { } table || table.TryTake(key.Value, out var wait))
        {
            return true;
        }

        retryAfter = (int)Math.Min(int.MaxValue, Math.Ceiling(wait.TotalSeconds));
        if (_refusals.Note() is > 0 and var count)
        {
            TooMany(_logger, count);
        }

        return false;
    }

    [LoggerMessage(53, LogLevel.Warning, "{Count} requests were refused with 429: their clients were over LIMIT_REQUESTS_PER_SECOND")]
    private static partial void TooMany(ILogger logger, long count);
}

/// <summary>The maximum length of a request body: <c>LIMIT_REQUEST_BODY</c>.</summary>
internal sealed partial class BodyLimit(Reloadable<LimitOptions> options, TimeProvider time, ILogger<BodyLimit> logger)
{
    /// <summary>The error, with 413.</summary>
    public const string Problem = "the request body is too large";

    private readonly Burst _refusals = new(time);

    /// <summary>Whether there is a limit; if not, the other members need not be called.</summary>
    public bool IsOn => options.Value.MaxBody > 0;

    /// <summary>Requests refused since the start.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Whether a body is too long; the refusal is counted.</summary>
    /// <param name="length">In bytes: the Content-Length, or what has been received; null if unknown.</param>
    public bool Refuses(long? length)
    {
        if (options.Value.MaxBody is not (> 0 and var max) || !(length > max))
        {
            return false;
        }

        if (_refusals.Note() is > 0 and var count)
        {
            TooLong(logger, count);
        }

        return true;
    }

    [LoggerMessage(66, LogLevel.Warning, "{Count} requests were refused with 413: their bodies were larger than LIMIT_REQUEST_BODY")]
    private static partial void TooLong(ILogger logger, long count);
}

internal static class LimitServices
{
    public static void AddLimits(this IServiceCollection services, Reloadable<LimitOptions> options)
    {
        services.AddSingleton(_ => new LoopMarker());
        services.AddSingleton<LoopGuard>();
        services.AddSingleton(options);
        services.AddSingleton<RequestLimit>();
        services.AddSingleton<BodyLimit>();
        services.AddSingleton<ClientConnections>();
    }
}

/// <summary>Limits per client and per request. A client is an IPv4 address or an IPv6 /64.</summary>
/// <param name="ConnectionsPerClient"><c>LIMIT_CONNECTIONS_PER_CLIENT</c>: 0, the default, for no limit.</param>
/// <param name="RequestsPerSecond"><c>LIMIT_REQUESTS_PER_SECOND</c>: the sustained rate, may be fractional; 0, the default, for no limit.</param>
/// <param name="Burst"><c>LIMIT_BURST</c>: the burst size, by default twice the rate, and at least 1.</param>
/// <param name="MaxHead"><c>LIMIT_REQUEST_HEAD</c>: bytes of a request head, 4096 to 65536, default 32768.</param>
/// <param name="MaxBody"><c>LIMIT_REQUEST_BODY</c>: bytes of a request body, without chunk framing; 0, the default, for no limit.</param>
internal sealed record LimitOptions(int ConnectionsPerClient, double RequestsPerSecond, int Burst, int MaxHead, long MaxBody)
{
    private const long MaxBytes = 1_000_000_000_000_000;

    private const string BurstVariable = "LIMIT_BURST";
    private const int Max = 1_000_000;

    public static LimitOptions Read(SettingsReader settings)
    {
        var connections = settings.WholeNumber("LIMIT_CONNECTIONS_PER_CLIENT", 0, 0, Max);
        var rate = settings.Number("LIMIT_REQUESTS_PER_SECOND", 0, 0, Max);
        if (rate == 0 && settings.Text(BurstVariable) is not null)
        {
            settings.Warn($"{BurstVariable} is not used: LIMIT_REQUESTS_PER_SECOND is 0, which means no limit.");
        }

        return new LimitOptions(
            connections, rate, settings.WholeNumber(BurstVariable, (int)Math.Clamp(Math.Ceiling(rate * 2), 1, Max), 1, Max),
            settings.WholeNumber("LIMIT_REQUEST_HEAD", 32 * 1024, 4 * 1024, 64 * 1024),
            settings.WholeNumber("LIMIT_REQUEST_BODY", 0L, 0, MaxBytes));
    }
}
