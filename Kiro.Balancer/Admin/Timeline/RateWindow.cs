namespace Kiro.Balancer.Admin.Timeline;

/// <summary>How much a counter grew per second over the last ten seconds, from a sample a second. Not safe for several
/// threads at once.</summary>
/// <param name="count">The counter, which only grows.</param>
/// <param name="time">The clock.</param>
internal sealed class RateWindow(Func<long> count, TimeProvider time)
{
    private const int Samples = 10;

    private readonly Queue<(long Timestamp, long Count)> _samples = new();

    /// <summary>How often to call <see cref="Sample"/>.</summary>
    public static TimeSpan Period { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Up to this moment; 0 before the first sample.</summary>
    public double PerSecond =>
        _samples.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Timestamp).TotalSeconds is > 0 and var elapsed
            ? (count() - oldest.Count) / elapsed
            : 0;

    public void Sample()
    {
        _samples.Enqueue((time.GetTimestamp(), count()));
        if (_samples.Count > Samples)
        {
            _samples.Dequeue();
        }
    }
}
