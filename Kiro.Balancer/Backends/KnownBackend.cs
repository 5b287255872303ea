using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>All that is known of a node at one moment; replaced, never changed, and only by <see cref="BackendRegistry"/>.</summary>
internal sealed record KnownBackend(Backend Backend, BackendHealth Health)
{
    public string Id => Backend.Id;

    /// <summary>The name that the node gives itself, or its id.</summary>
    public string Name => Health.Node ?? Id;

    public BackendState State => Health.State;

    /// <summary>The weight that discovery gave it.</summary>
    public double DiscoveredWeight { get; init; } = 1;

    /// <summary>The weight that an operator gave it, which wins over discovery's; null when none did.</summary>
    public double? OperatorWeight { get; init; }

    /// <summary>Its share relative to the others, above 0.</summary>
    public double Weight => OperatorWeight ?? DiscoveredWeight;

    /// <summary>By what its sessions are kept; none while it keeps none.</summary>
    public Tenure Tenure { get; init; }

    /// <summary>The same for the choice.</summary>
    /// <param name="uptime">Now, as <see cref="Moment.Uptime"/>.</param>
    public Candidate AsCandidate(TimeSpan uptime) => new(Id, Weight, State == BackendState.Up, uptime - Health.CameBack, Tenure);

    public override string ToString() => Health.Node is { } node && node != Id ? $"{node} ({Id})" : Id;
}

/// <summary>A point in time.</summary>
/// <param name="Time">The time of day, for showing: somebody may set the clock.</param>
/// <param name="Uptime">The time since the registry was made, for durations: it only grows.</param>
internal readonly record struct Moment(DateTimeOffset Time, TimeSpan Uptime);

/// <summary>What a node may be used for.</summary>
internal enum BackendState
{
    /// <summary>Known, but not yet probed: it gets requests only when no other node is up.</summary>
    Starting,

    /// <summary>It gets the requests of its clients.</summary>
    Up,

    /// <summary>It failed its probes, refused a connection or was ejected.</summary>
    Down,

    /// <summary>It works and gets no new requests; those in flight finish.</summary>
    Draining,
}

internal static class BackendStates
{
    /// <summary>The word for it wherever it is told: status, events, metrics, log.</summary>
    public static string Word(this BackendState state) => state switch
    {
        BackendState.Starting => "starting",
        BackendState.Up => "up",
        BackendState.Down => "down",
        _ => "draining",
    };
}

/// <summary>A node's health at one moment; replaced, never changed. <see cref="BackendTransitions"/> makes the next one.</summary>
internal sealed record BackendHealth
{
    /// <summary>What the probes and the connections say.</summary>
    public BackendVerdict Verdict { get; init; }

    /// <summary>Whether the node was ever up: only one that fell has to prove itself more than once.</summary>
    public bool HasBeenUp { get; init; }

    /// <summary>Whether an earlier process found the verdict, and no probe has borne it out yet.</summary>
    public bool IsRemembered { get; init; }

    public DrainReasons DrainReasons { get; init; }

    /// <summary>Since when the node is in its <see cref="State"/>.</summary>
    public Moment Since { get; init; }

    /// <summary>When the node last came up after having been down, as <see cref="Moment.Uptime"/>; null when it never was down.</summary>
    public TimeSpan? CameBack { get; init; }

    /// <summary>When the last probe ended; null before the first.</summary>
    public DateTimeOffset? LastCheck { get; init; }

    /// <summary>How long the last probe took that got a response.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>Whether the last probe got any response.</summary>
    public bool Reachable { get; init; }

    /// <summary>Why the last probe or connection failed; null when it did not.</summary>
    public string? Error { get; init; }

    /// <summary>What the node itself says is wrong although it serves; null when nothing is.</summary>
    public string? Degradation { get; init; }

    /// <summary>Since when it says so.</summary>
    public Moment? DegradedSince { get; init; }

    /// <summary>The name that the node gives itself in its health response, if any.</summary>
    public string? Node { get; init; }

    /// <summary>Whether the node said of itself that it serves requests at the same time: then a slow one does not explain silence.</summary>
    public bool IsConcurrent { get; init; }

    /// <summary>Failed probes in a row.</summary>
    public int Failures { get; init; }

    /// <summary>Passed probes in a row.</summary>
    public int Successes { get; init; }

    /// <summary>Until when the node is out, whatever its probes say, because it lost requests, as <see cref="Moment.Uptime"/>;
    /// null when it is not.</summary>
    public TimeSpan? EjectedUntil { get; init; }

    /// <summary>How often it was ejected lately.</summary>
    public int Ejections { get; init; }

    /// <summary>Until when an operator lets sessions end before the node is evacuated, as <see cref="Moment.Uptime"/>; null for as
    /// long as they last.</summary>
    public TimeSpan? SessionsUntil { get; init; }

    /// <summary>Whether whoever has a session with the node stays with it: while it is up, and while it drains for no other reason
    /// than that an operator wants its sessions to end.</summary>
    public bool KeepsSessions =>
        Verdict == BackendVerdict.Up && EjectedUntil is null && (DrainReasons & ~DrainReasons.Sessions) == DrainReasons.None;

    /// <summary>Whether an operator wants the node to drain, in either way.</summary>
    public bool IsDrainedByOperator => (DrainReasons & DrainReasons.ByOperator) != 0;

    public BackendState State => Verdict switch
    {
        BackendVerdict.Down => BackendState.Down,
        _ when EjectedUntil is not null => BackendState.Down,
        _ when DrainReasons != DrainReasons.None => BackendState.Draining,
        BackendVerdict.Up => BackendState.Up,
        _ => BackendState.Starting,
    };

    /// <summary>Why the node is not simply up, in plain words; null when it is.</summary>
    public string? Reason => Error ?? (State == BackendState.Draining ? DrainReasons.InWords() : Degradation);
}

/// <summary>What the probes say.</summary>
internal enum BackendVerdict
{
    Unknown,
    Up,
    Down,
}

/// <summary>Who wants a node to drain. It does as long as anybody wants it.</summary>
[Flags]
internal enum DrainReasons
{
    None = 0,

    /// <summary>The node itself, by its health response.</summary>
    Node = 1,

    /// <summary>An operator, through the admin endpoint.</summary>
    Operator = 2,

    /// <summary>Discovery does not name the node any more, but it still passes its probe.</summary>
    Absent = 4,

    /// <summary>It is the IPv6 address of a node that is in use by its IPv4 address.</summary>
    Twin = 8,

    /// <summary>An operator, who lets the node's sessions end first.</summary>
    Sessions = 16,

    /// <summary>What an operator can want.</summary>
    ByOperator = Operator | Sessions,
}

internal static class DrainReasonWords
{
    private static readonly (DrainReasons Reason, string Words)[] All =
    [
        (DrainReasons.Node, "the node asks for it"),
        (DrainReasons.Operator, "an operator asked for it"),
        (DrainReasons.Sessions, "an operator asked for it, and lets its sessions end"),
        (DrainReasons.Absent, "it is gone from discovery"),
        (DrainReasons.Twin, "the same node is in use by its IPv4 address"),
    ];

    public static string InWords(this DrainReasons reasons) =>
        string.Join("; ", All.Where(item => reasons.HasFlag(item.Reason)).Select(item => item.Words));
}

/// <summary>What was known of nodes before this process began. Called by <see cref="BackendRegistry"/> alone, under its lock.</summary>
internal interface IBackendMemory
{
    /// <summary>A node's health as it was last known.</summary>
    /// <param name="id">The node, which has just become known.</param>
    /// <param name="fresh">Its health when nothing was known.</param>
    /// <param name="now">The registry's time.</param>
    BackendHealth Recall(string id, BackendHealth fresh, Moment now);
}

/// <summary>What operators ordered about nodes, known to this balancer or not. Called by <see cref="BackendRegistry"/> alone,
/// under its lock: it must not call back.</summary>
internal interface IStandingOrders
{
    /// <summary>A node is known from now on.</summary>
    /// <returns>It, as the orders want it.</returns>
    KnownBackend Joined(KnownBackend newcomer);

    /// <summary>A node is forgotten, and with it what was ordered.</summary>
    void Left(string id);
}
