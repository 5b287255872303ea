using System.Globalization;
using System.Threading.Channels;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Backends;

/// <summary>Hands what happens to the nodes to somebody who has the time to work out what it means.</summary>
internal sealed class ChangeFeed
{
    /// <summary>More than can happen while its reader is busy; beyond it the oldest are lost rather than memory.</summary>
    private const int Capacity = 1024;

    private readonly Channel<RegistryChange> _channel = Channel.CreateBounded<RegistryChange>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>In the order in which they happened.</summary>
    public ChannelReader<RegistryChange> Changes => _channel.Reader;

    /// <summary>Never waits.</summary>
    public void Write(RegistryChange change) => _channel.Writer.TryWrite(change);
}

/// <summary>What happened at once, and the snapshots around it.</summary>
internal sealed record RegistryChange(BackendSnapshot Before, BackendSnapshot After, IReadOnlyList<BackendChange> Changes);

/// <summary>Something that happened to a node.</summary>
/// <param name="Kind">What.</param>
/// <param name="Backend">To whom: the node as it was known afterwards.</param>
/// <param name="From">Its state before; null when it was not known.</param>
/// <param name="Reason">Why, in plain words; null when there is nothing to say.</param>
/// <param name="At">The time of day, for showing.</param>
internal sealed record BackendChange(ChangeKind Kind, KnownBackend Backend, BackendState? From, string? Reason, DateTimeOffset At);

/// <summary>What can happen to a node.</summary>
internal enum ChangeKind
{
    /// <summary>Discovery named it for the first time.</summary>
    Joined,

    /// <summary>It was forgotten.</summary>
    Left,

    Starting,
    Up,
    Down,

    /// <summary>It is out because it lost requests, whatever its probes say.</summary>
    Ejected,
    Draining,

    /// <summary>Its share of the clients was changed.</summary>
    Weight,
}

/// <summary>Logs what happens to the nodes, and collects it until there is a snapshot that it is true of. For the registry
/// alone, under its lock.</summary>
internal sealed class ChangeNotes(ChangeFeed? feed, ILogger logger, TimeProvider time)
{
    private readonly List<BackendChange> _changes = [];

    public void Joined(KnownBackend backend)
    {
        logger.Joined(backend);
        Note(ChangeKind.Joined, backend, null, null);
    }

    public void Left(KnownBackend backend)
    {
        logger.Left(backend);
        Note(ChangeKind.Left, backend, backend.Health.State, backend.Health.Reason);
    }

    /// <summary>The node is in another state than before.</summary>
    public void Changed(KnownBackend backend, BackendState before)
    {
        var health = backend.Health;
        var reason = health.Reason is null ? "" : $": {health.Reason}";
        if (health is { State: BackendState.Down, HasBeenUp: false })
        {
            // Nobody misses it yet: a node that is not there when the cluster starts is no event.
            logger.Awaited(backend, reason);
            return;
        }

        logger.StateChanged(backend, health.State.Word(), health is { State: BackendState.Up, Error: null, Degradation: not null } ? ", but degraded" + reason : reason);

        var kind = health.State switch
        {
            BackendState.Starting => ChangeKind.Starting,
            BackendState.Up => ChangeKind.Up,
            BackendState.Draining => ChangeKind.Draining,
            _ => health.EjectedUntil is null ? ChangeKind.Down : ChangeKind.Ejected,
        };
        Note(kind, backend, before, health.Reason);
    }

    /// <summary>The node serves as before, and says that something is wrong, or no longer.</summary>
    public void Degraded(KnownBackend backend) =>
        logger.ConditionChanged(backend, backend.Health.Degradation is { } reason ? "degraded: " + reason : "no longer degraded");

    /// <summary>An operator gave the node another weight than before.</summary>
    public void Weighted(KnownBackend backend, double before)
    {
        var weight = backend.Weight;
        logger.Weighted(backend, weight);
        Note(ChangeKind.Weight, backend, backend.Health.State,
            string.Create(CultureInfo.InvariantCulture, $"an operator changed its weight from {before:0.###} to {weight:0.###}"));
    }

    /// <summary>Hands on what was noted since the last snapshot, if anything.</summary>
    public void Publish(BackendSnapshot before, BackendSnapshot after)
    {
        if (_changes.Count > 0)
        {
            feed?.Write(new RegistryChange(before, after, [.. _changes]));
            _changes.Clear();
        }
    }

    private void Note(ChangeKind kind, KnownBackend backend, BackendState? from, string? reason) =>
        _changes.Add(new BackendChange(kind, backend, from, reason, time.GetUtcNow()));
}
