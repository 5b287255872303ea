using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>A backend's state. Immutable; only <see cref="BackendRegistry"/> replaces it.</summary>
internal sealed record KnownBackend(Backend Backend, BackendHealth Health)
{
    public string Id => Backend.Id;

    /// <summary>The name that the backend reports, or else its id.</summary>
    public string Name => Health.Node ?? Id;

    public BackendState State => Health.State;

    /// <summary>The weight from discovery.</summary>
    public double DiscoveredWeight { get; init; } = 1;

    /// <summary>An operator's override; null for none.</summary>
    public double? OperatorWeight { get; init; }

    /// <summary>Relative to the others, above 0.</summary>
    public double Weight => OperatorWeight ?? DiscoveredWeight;

    /// <summary>None while it keeps no sessions.</summary>
    public Tenure Tenure { get; init; }

    /// <summary>The backend as selection sees it.</summary>
    /// <param name="uptime">The current time, as <see cref="Moment.Uptime"/>.</param>
    public Candidate AsCandidate(TimeSpan uptime) => new(Id, Weight, State == BackendState.Up, uptime - Health.CameBack, Tenure);

    public override string ToString() => Health.Node is { } node && node != Id ? $"{node} ({Id})" : Id;
}

/// <summary>A point in time.</summary>
/// <param name="Time">Wall-clock time, for display: the clock may be set.</param>
/// <param name="Uptime">Monotonic time since the registry was created, for durations.</param>
internal readonly record struct Moment(DateTimeOffset Time, TimeSpan Uptime);

/// <summary>The result of probes.</summary>
internal enum BackendVerdict
{
    Unknown,
    Up,
    Down,
}

/// <summary>The health of backends before this process started. Called only by <see cref="BackendRegistry"/>, under its lock.</summary>
internal interface IBackendMemory
{
    /// <summary>The last known health.</summary>
    /// <param name="id">A newly discovered backend.</param>
    /// <param name="fresh">Its health if nothing is remembered.</param>
    /// <param name="now">The registry's time.</param>
    BackendHealth Recall(string id, BackendHealth fresh, Moment now);
}

/// <summary>Operators' orders for backends, known or not. Called only by <see cref="BackendRegistry"/>, under its lock: it must not
/// call back.</summary>
internal interface IStandingOrders
{
    /// <summary>A backend was discovered.</summary>
    /// <returns>The backend with its orders applied.</returns>
    KnownBackend Joined(KnownBackend newcomer);

    /// <summary>A backend was removed; its orders are dropped.</summary>
    void Left(string id);
}
