namespace Kiro.Balancer.Backends;

/// <summary>What a backend can be used for.</summary>
internal enum BackendState
{
    /// <summary>Not probed yet: gets requests only if no backend is up.</summary>
    Starting,

    /// <summary>Serves its clients.</summary>
    Up,

    /// <summary>Failed its probes, refused a connection or was ejected.</summary>
    Down,

    /// <summary>Gets no new requests; those in flight finish.</summary>
    Draining,
}

internal static class BackendStates
{
    /// <summary>The name in status, events, metrics and logs.</summary>
    public static string Name(this BackendState state) => state switch
    {
        BackendState.Starting => "starting",
        BackendState.Up => "up",
        BackendState.Down => "down",
        _ => "draining",
    };
}

/// <summary>A backend's health. Immutable; <see cref="BackendTransitions"/> makes the next one.</summary>
internal sealed record BackendHealth
{
    /// <summary>The result of probes and connection attempts.</summary>
    public BackendVerdict Verdict { get; init; }

    /// <summary>Whether it was ever up: the rise threshold applies only after that.</summary>
    public bool HasBeenUp { get; init; }

    /// <summary>Whether the verdict is a previous process's, not yet confirmed by a probe.</summary>
    public bool IsRemembered { get; init; }

    public DrainReasons DrainReasons { get; init; }

    /// <summary>Since when it has been in its <see cref="State"/>.</summary>
    public Moment Since { get; init; }

    /// <summary>When it last went from down to up, as <see cref="Moment.Uptime"/>; null if it never did.</summary>
    public TimeSpan? CameBack { get; init; }

    /// <summary>The time of the last probe; null before the first.</summary>
    public DateTimeOffset? LastCheck { get; init; }

    /// <summary>The latency of the last probe with a response.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>Whether the last probe got any response.</summary>
    public bool Reachable { get; init; }

    /// <summary>Why the last probe or connection failed; null if it did not.</summary>
    public string? Error { get; init; }

    /// <summary>What a backend that serves reports to be wrong; null if nothing.</summary>
    public string? Degradation { get; init; }

    public Moment? DegradedSince { get; init; }

    /// <summary>The name in its health response, if any.</summary>
    public string? Node { get; init; }

    /// <summary>Whether it reports that it serves requests concurrently: a slow request then does not explain a timeout.</summary>
    public bool IsConcurrent { get; init; }

    /// <summary>Consecutive failed probes.</summary>
    public int Failures { get; init; }

    /// <summary>Consecutive passed probes.</summary>
    public int Successes { get; init; }

    /// <summary>The end of the ejection, as <see cref="Moment.Uptime"/>; null if not ejected.</summary>
    public TimeSpan? EjectedUntil { get; init; }

    /// <summary>The number of recent ejections.</summary>
    public int Ejections { get; init; }

    /// <summary>The operator's drain timeout, after which the backend is evacuated, as <see cref="Moment.Uptime"/>; null for none.</summary>
    public TimeSpan? SessionsUntil { get; init; }

    /// <summary>Whether clients with a session stay: while it is up, or drains only for its sessions to end.</summary>
    public bool KeepsSessions =>
        Verdict == BackendVerdict.Up && EjectedUntil is null && (DrainReasons & ~DrainReasons.Sessions) == DrainReasons.None;

    /// <summary>Whether an operator drains it, in either way.</summary>
    public bool IsDrainedByOperator => (DrainReasons & DrainReasons.ByOperator) != 0;

    public BackendState State => Verdict switch
    {
        BackendVerdict.Down => BackendState.Down,
        _ when EjectedUntil is not null => BackendState.Down,
        _ when DrainReasons != DrainReasons.None => BackendState.Draining,
        BackendVerdict.Up => BackendState.Up,
        _ => BackendState.Starting,
    };

    /// <summary>Why it is not simply up, for people; null if it is.</summary>
    public string? Reason => Error ?? (State == BackendState.Draining ? DrainReasons.Describe() : Degradation);
}

/// <summary>Why a backend drains; it does while any reason is set.</summary>
[Flags]
internal enum DrainReasons
{
    None = 0,

    /// <summary>The backend asks for it in its health response.</summary>
    Node = 1,

    /// <summary>An operator evacuates it.</summary>
    Operator = 2,

    /// <summary>Gone from discovery, but it still passes its probes.</summary>
    Absent = 4,

    /// <summary>The IPv6 address of a backend that is in use at its IPv4 address.</summary>
    Twin = 8,

    /// <summary>An operator drains it and lets its sessions end.</summary>
    Sessions = 16,

    /// <summary>The reasons set by operators.</summary>
    ByOperator = Operator | Sessions,
}

internal static class DrainReasonWords
{
    private static readonly (DrainReasons Reason, string Words)[] All =
    [
        (DrainReasons.Node, "requested by the node"),
        (DrainReasons.Operator, "requested by an operator"),
        (DrainReasons.Sessions, "requested by an operator, who lets its sessions end"),
        (DrainReasons.Absent, "no longer in discovery"),
        (DrainReasons.Twin, "the same node is in use at its IPv4 address"),
    ];

    public static string Describe(this DrainReasons reasons) =>
        string.Join("; ", All.Where(item => reasons.HasFlag(item.Reason)).Select(item => item.Words));
}
