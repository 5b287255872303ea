namespace Kiro.ServiceDefaults.Limits;

/// <summary>One line of the log for many equal events: the first is told at once, the rest once a minute while they go on.</summary>
public sealed class Burst(TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Lock _telling = new();
    private long? _told;
    private long _count;
    private long _untold;

    /// <summary>How many there were since the start.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Notes one.</summary>
    /// <returns>How many there were since the last line when a line is due, else 0.</returns>
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

    /// <summary>Whether there was one in the last <paramref name="span"/>, to the minute.</summary>
    public bool IsRecent(TimeSpan span)
    {
        lock (_telling)
        {
            return _told is { } told && time.GetElapsedTime(told) < span;
        }
    }
}
