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
