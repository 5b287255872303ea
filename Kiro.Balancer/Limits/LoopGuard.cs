using Kiro.ServiceDefaults.Limits;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Limits;

/// <summary>Finds requests that came back to this balancer, because it stands among its own nodes or two balancers name
/// each other, and says so.</summary>
internal sealed partial class LoopGuard(HopMark mark, TimeProvider time, ILogger<LoopGuard> logger)
{
    /// <summary>What is said to whoever sent a request that came back, with 508 (RFC 5842, section 7.2).</summary>
    public const string Problem = "the request came back to this balancer: one of its nodes leads here again";

    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(5);

    private readonly Burst _loops = new(time);

    /// <summary>Requests that came back since the start.</summary>
    public long Loops => _loops.Count;

    /// <summary>Whether there was one in the last minutes.</summary>
    public bool IsLooping => _loops.IsRecent(Recent);

    /// <summary>Judges a request by its <see cref="HopMark.FieldName"/>, and notes a loop.</summary>
    public bool IsLoop(in StringValues values)
    {
        if (!mark.IsIn(values))
        {
            return false;
        }

        Note();
        return true;
    }

    /// <summary>Notes a request that came back.</summary>
    public void Note()
    {
        if (_loops.Note() is > 0 and var count)
        {
            CameBack(logger, count);
        }
    }

    [LoggerMessage(35, LogLevel.Warning, "{Count} requests came back to this balancer and were answered with 508: one of its nodes leads here again")]
    private static partial void CameBack(ILogger logger, long count);
}
