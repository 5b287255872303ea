namespace Kiro.ServiceDefaults.Limits;

/// <summary>
/// A rate limit per key for any number of keys, in fixed memory. Uses the generic cell rate algorithm (ITU-T
/// I.371), a token bucket in one number: the time at which the bucket will be full again. Keys with the same
/// slot share it; which ones do is unpredictable, because the hash is seeded per process.
/// </summary>
public sealed class RateTable
{
    private const long MaxInterval = long.MaxValue / 4;

    private readonly long[] _fullAt;
    private readonly TimeProvider _time;
    private readonly long _interval;
    private readonly long _tolerance;

    /// <param name="slots">A power of two; 8 bytes each.</param>
    /// <param name="perSecond">The sustained rate, more than 0.</param>
    /// <param name="burst">The burst size, at least 1.</param>
    /// <param name="time">The clock.</param>
    public RateTable(int slots, double perSecond, int burst, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        _fullAt = new long[slots];
        _time = time;
        // Limited, so that adding these to the clock cannot overflow: seventy years in nanoseconds.
        _interval = (long)Math.Clamp(time.TimestampFrequency / perSecond, 1, MaxInterval);
        _tolerance = (long)Math.Min((double)_interval * burst, MaxInterval);
    }

    /// <summary>Takes one token of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="wait">If there is none, the time until there is.</param>
    public bool TryTake(UInt128 key, out TimeSpan wait)
    {
        ref var slot = ref Slot(key);
        while (true)
        {
            var (now, before) = (_time.GetTimestamp(), Volatile.Read(ref slot));
            var after = Math.Max(before, now) + _interval;
            if (after - now > _tolerance)
            {
                wait = Span(after - now - _tolerance);
                return false;
            }

            if (Interlocked.CompareExchange(ref slot, after, before) == before)
            {
                wait = TimeSpan.Zero;
                return true;
            }
        }
    }

    /// <summary>Whether a key has no token left.</summary>
    /// <param name="key">The key.</param>
    /// <param name="wait">The time until there is one.</param>
    public bool IsEmpty(UInt128 key, out TimeSpan wait)
    {
        var over = Volatile.Read(ref Slot(key)) + _interval - _time.GetTimestamp() - _tolerance;
        wait = over > 0 ? Span(over) : TimeSpan.Zero;
        return over > 0;
    }

    // HashCode is seeded per process.
    private ref long Slot(UInt128 key) =>
        ref _fullAt[HashCode.Combine((ulong)(key >> 64), (ulong)key) & (_fullAt.Length - 1)];

    private TimeSpan Span(long stamps) => _time.GetElapsedTime(0, stamps);
}
