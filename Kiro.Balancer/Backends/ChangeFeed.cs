using System.Globalization;
using System.Threading.Channels;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Backends;

/// <summary>Queues backend changes for a background reader, which works out their consequences.</summary>
internal sealed class ChangeFeed
{
    /// <summary>Bounds memory: if the reader falls behind, the oldest changes are dropped.</summary>
    private const int Capacity = 1024;

    private readonly Channel<RegistryChange> _channel = Channel.CreateBounded<RegistryChange>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest });

    public ChannelReader<RegistryChange> Changes => _channel.Reader;

    /// <summary>Never blocks.</summary>
    public void Write(RegistryChange change) => _channel.Writer.TryWrite(change);
}

/// <summary>Simultaneous changes, and the snapshots before and after them.</summary>
internal sealed record RegistryChange(BackendSnapshot Before, BackendSnapshot After, IReadOnlyList<BackendChange> Changes);

/// <summary>A change of a backend.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Backend">The backend after the change.</param>
/// <param name="From">Its previous state; null if it was not known.</param>
/// <param name="Reason">Why, for people; null if there is no reason.</param>
/// <param name="At">Wall-clock time, for display.</param>
internal sealed record BackendChange(ChangeKind Kind, KnownBackend Backend, BackendState? From, string? Reason, DateTimeOffset At);

/// <summary>The kinds of changes.</summary>
internal enum ChangeKind
{
    /// <summary>Discovered.</summary>
    Joined,

    /// <summary>Removed.</summary>
    Left,

    Starting,
    Up,
    Down,

    /// <summary>Out because of lost or failed requests, whatever its probes say.</summary>
    Ejected,
    Draining,

    /// <summary>Its weight was changed.</summary>
    Weight,
}

/// <summary>Logs changes, and collects them until the snapshot that has them is published. For the registry only, under its lock.</summary>
internal sealed class ChangeLog(ChangeFeed? feed, ILogger logger, TimeProvider time)
{
    private readonly List<BackendChange> _changes = [];

    public void Joined(KnownBackend backend)
    {
        logger.Joined(backend);
        Add(ChangeKind.Joined, backend, null, null);
    }

    public void Left(KnownBackend backend)
    {
        logger.Left(backend);
        Add(ChangeKind.Left, backend, backend.Health.State, backend.Health.Reason);
    }

    public void Changed(KnownBackend backend, BackendState before)
    {
        var health = backend.Health;
        var reason = health.Reason is null ? "" : $": {health.Reason}";
        if (health is { State: BackendState.Down, HasBeenUp: false })
        {
            // Not an event: when a cluster starts, backends are down until they are ready.
            logger.Awaited(backend, reason);
            return;
        }

        logger.StateChanged(backend, health.State.Name(), health is { State: BackendState.Up, Error: null, Degradation: not null } ? ", but degraded" + reason : reason);

        var kind = health.State switch
        {
            BackendState.Starting => ChangeKind.Starting,
            BackendState.Up => ChangeKind.Up,
            BackendState.Draining => ChangeKind.Draining,
            _ => health.EjectedUntil is null ? ChangeKind.Down : ChangeKind.Ejected,
        };
        Add(kind, backend, before, health.Reason);
    }

    /// <summary>The backend is up and reports a problem, or no longer does.</summary>
    public void Degraded(KnownBackend backend) =>
        logger.ConditionChanged(backend, backend.Health.Degradation is { } reason ? "degraded: " + reason : "no longer degraded");

    /// <summary>An operator changed the weight.</summary>
    public void Weighted(KnownBackend backend, double before)
    {
        var weight = backend.Weight;
        logger.Weighted(backend, weight);
        Add(ChangeKind.Weight, backend, backend.Health.State,
            string.Create(CultureInfo.InvariantCulture, $"an operator changed its weight from {before:0.###} to {weight:0.###}"));
    }

    /// <summary>Passes on the changes since the last snapshot, if any.</summary>
    public void Publish(BackendSnapshot before, BackendSnapshot after)
    {
        if (_changes.Count > 0)
        {
            feed?.Write(new RegistryChange(before, after, [.. _changes]));
            _changes.Clear();
        }
    }

    private void Add(ChangeKind kind, KnownBackend backend, BackendState? from, string? reason) =>
        _changes.Add(new BackendChange(kind, backend, from, reason, time.GetUtcNow()));
}
