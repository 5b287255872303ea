using Kiro.Balancer.Backends;

namespace Kiro.Balancer.State;

/// <summary>
/// What was last known of the nodes: with it a start sends nobody to a node that is down, and waits for no probe of one that is
/// up. The probes begin at once all the same, and what they find counts.
/// </summary>
internal sealed class NodeMemory : IBackendMemory
{
    private static readonly TimeSpan MaxEjection = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, SavedNode> _saved = [];

    /// <summary>Before the first node is known.</summary>
    public void Remember(IEnumerable<SavedNode> nodes)
    {
        _saved.Clear();
        foreach (var node in nodes)
        {
            _saved.TryAdd(node.Id, node);
        }
    }

    /// <inheritdoc />
    public BackendHealth Recall(string id, BackendHealth fresh, Moment now)
    {
        // Once: a node that is forgotten and comes again is another one.
        if (!_saved.Remove(id, out var saved) || saved.Verdict == BackendVerdict.Unknown)
        {
            return fresh;
        }

        var ejection = saved.EjectedUntil - now.Time;
        return fresh with
        {
            Verdict = saved.Verdict,
            IsRemembered = true,
            HasBeenUp = saved.HasBeenUp,
            Since = new Moment(saved.Since, now.Uptime - (now.Time > saved.Since ? now.Time - saved.Since : TimeSpan.Zero)),
            Node = saved.Node,
            IsConcurrent = saved.IsConcurrent,
            DrainReasons = saved.IsDraining ? DrainReasons.Node : DrainReasons.None,
            Degradation = saved.Degradation,
            Error = saved.Error,
            Ejections = saved.Ejections,
            EjectedUntil = ejection > TimeSpan.Zero ? now.Uptime + (ejection < MaxEjection ? ejection : MaxEjection) : null,
        };
    }
}
