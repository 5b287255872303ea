namespace Kiro.Balancer.Backends;

/// <summary>All that is known of a node's health at one moment; replaced, never changed.</summary>
internal sealed record BackendHealth
{
    public BackendVerdict Verdict { get; init; }

    /// <summary>Whether the node was ever up: only one that fell has to prove itself more than once.</summary>
    public bool HasBeenUp { get; init; }

    public DrainReasons DrainReasons { get; init; }

    /// <summary>Since when the node is in its <see cref="State"/>.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>When the node last came up after having been down; null when it never was.</summary>
    public DateTimeOffset? CameBack { get; init; }

    /// <summary>When the last probe ended; null before the first.</summary>
    public DateTimeOffset? LastCheck { get; init; }

    /// <summary>How long the last answered probe took.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>Whether the last probe got any answer.</summary>
    public bool Reachable { get; init; }

    /// <summary>Why the last probe or connection failed; null when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>The name that the node gives itself in its health answer, if any.</summary>
    public string? Node { get; init; }

    /// <summary>Failed probes in a row.</summary>
    public int Failures { get; init; }

    /// <summary>Good probes in a row.</summary>
    public int Successes { get; init; }

    /// <summary>Until when the node is out, whatever its probes say, because it lost requests; null when it is not.</summary>
    public DateTimeOffset? EjectedUntil { get; init; }

    /// <summary>How often it was ejected lately.</summary>
    public int Ejections { get; init; }

    public BackendState State => Verdict switch
    {
        BackendVerdict.Down => BackendState.Down,
        _ when EjectedUntil is not null => BackendState.Down,
        _ when DrainReasons != DrainReasons.None => BackendState.Draining,
        BackendVerdict.Up => BackendState.Up,
        _ => BackendState.Starting,
    };

    /// <summary>Why the node is not simply up, in plain words; null when it is.</summary>
    public string? Reason => Error ?? (State == BackendState.Draining ? DrainWords.Of(DrainReasons) : null);
}
