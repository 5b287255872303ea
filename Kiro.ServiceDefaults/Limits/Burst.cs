namespace Kiro.ServiceDefaults.Limits;

/// <summary>Throttles log lines about repeated events: the first is logged immediately, further ones once a minute.</summary>
public sealed class Burst(TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Lock _telling = new();
    private long? _told;
    private long _count;
    private long _untold;

    /// <summary>Events since the start.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Counts an event.</summary>
    /// <returns>The number of events since the last line if a line is due, otherwise 0.</returns>
    public long Note()
    {
        Interlocked.Increment(ref _count);
        lock (_telling)
        {
            _untold++;
            if (_told is { } told && time.GetElapsedTime(told) < Pause)
            {
                return 0;
            }

            var due = _untold;
            (_told, _untold) = (time.GetTimestamp(), 0);
            return due;
        }
    }

    /// <summary>Whether there was an event in the last <paramref name="span"/>, to the minute.</summary>
    public bool IsRecent(TimeSpan span)
    {
        lock (_telling)
        {
            return _told is { } told && time.GetElapsedTime(told) < span;
        }
    }
}
