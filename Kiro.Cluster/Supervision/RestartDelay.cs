namespace Kiro.Cluster.Supervision;

/// <summary>How long a crashed node stays away: 0.5 s, then twice as long each time, at most 30 s.</summary>
internal sealed class RestartDelay
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(30);

    /// <summary>A run of this length was a good one: what came before is forgiven.</summary>
    private static readonly TimeSpan GoodRun = TimeSpan.FromSeconds(30);

    private TimeSpan _next = First;

    /// <param name="run">How long the node ran this time.</param>
    public TimeSpan After(TimeSpan run)
    {
        var delay = run >= GoodRun ? First : _next;
        _next = delay * 2 < Max ? delay * 2 : Max;
        return delay;
    }
}
