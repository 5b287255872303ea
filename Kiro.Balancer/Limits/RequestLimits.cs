using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

/// <summary>How many requests one client may send. Off, it costs a comparison with null; on, 8 MiB whatever the number of
/// clients.</summary>
internal sealed partial class RequestLimit
{
    /// <summary>What is said, with 429.</summary>
    public const string Problem = "too many requests from your address";

    /// <summary>As many as clients are told apart by when they are given a node.</summary>
    private const int Slots = 1 << 20;

    private readonly ILogger<RequestLimit> _logger;
    private readonly Burst _refusals;
    private volatile RateTable? _table;

    public RequestLimit(Reloadable<LimitOptions> options, TimeProvider time, ILogger<RequestLimit> logger)
    {
        (_logger, _refusals, _table) = (logger, new Burst(time), TableFor(options.Value));
        // Under another limit everybody begins anew.
        options.OnChange(now => _table = TableFor(now));

        RateTable? TableFor(LimitOptions limits) =>
            limits.RequestsPerSecond > 0 ? new RateTable(Slots, limits.RequestsPerSecond, limits.Burst, time) : null;
    }

    /// <summary>Whether there is a limit at all. When not, nothing else is to be asked.</summary>
    public bool IsOn => _table is not null;

    /// <summary>Requests that were refused since the start.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Takes a request into account.</summary>
    /// <param name="key">What is hashed of the client's address.</param>
    /// <param name="retryAfter">When it is refused: whole seconds until one is taken, at least 1.</param>
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

    [LoggerMessage(53, LogLevel.Warning, "{Count} requests were refused with 429: their clients sent more than LIMIT_REQUESTS_PER_SECOND")]
    private static partial void TooMany(ILogger logger, long count);
}

/// <summary>How long the body of a request may be: <c>LIMIT_REQUEST_BODY</c>.</summary>
internal sealed partial class BodyLimit(Reloadable<LimitOptions> options, TimeProvider time, ILogger<BodyLimit> logger)
{
    /// <summary>What is said, with 413.</summary>
    public const string Problem = "the body is longer than is taken here";

    private readonly Burst _refusals = new(time);

    /// <summary>Whether there is a limit at all. When not, nothing else is to be asked.</summary>
    public bool IsOn => options.Value.MaxBody > 0;

    /// <summary>Requests that were refused since the start.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Whether a body is too long. Then the request is to be refused, and is counted as that.</summary>
    /// <param name="length">In bytes, as announced, or as much as came; null when it is not known.</param>
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

    [LoggerMessage(66, LogLevel.Warning, "{Count} requests were refused with 413: their bodies were longer than LIMIT_REQUEST_BODY")]
    private static partial void TooLong(ILogger logger, long count);
}
