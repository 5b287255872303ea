namespace Kiro.Balancer.Peers;

/// <summary>
/// Dates orders so that a later one has the greater date on whichever balancer it is given, if that one had heard of the
/// earlier: a hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva and Leone, "Logical Physical Clocks", OPODIS 2014).
/// A date is 48 bits of milliseconds since 1970 and 16 bits that count within one; counting beyond them runs into the next.
/// Not for several threads at once.
/// </summary>
internal sealed class HybridClock(TimeProvider time)
{
    private const int CounterBits = 16;

    private long _last;

    /// <summary>The time of day of a date.</summary>
    public static DateTimeOffset TimeOf(long date) => DateTimeOffset.FromUnixTimeMilliseconds(date >> CounterBits);

    /// <summary>The first date of a time of day.</summary>
    public static long DateOf(DateTimeOffset time) => time.ToUnixTimeMilliseconds() << CounterBits;

    /// <summary>A date greater than all that were given or seen, even when the time of day is set back.</summary>
    public long Next() => _last = Math.Max(_last + 1, DateOf(time.GetUtcNow()));

    /// <summary>Takes note of a date that another balancer gave.</summary>
    public void See(long date) => _last = Math.Max(_last, date);
}
