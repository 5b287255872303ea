using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Limits;

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
