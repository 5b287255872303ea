using System.Threading.Channels;

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
