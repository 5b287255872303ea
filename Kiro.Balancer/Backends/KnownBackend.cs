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
