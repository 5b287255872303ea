using System.Threading.Channels;

namespace Kiro.Balancer.Backends;

/// <summary>Hands what happens to the nodes to somebody who has the time to work out what it means.</summary>
internal sealed class ChangeFeed
{
    /// <summary>More than can happen while its reader is busy; beyond it the oldest are lost rather than memory.</summary>
    private const int Capacity = 1024;

    private readonly Channel<RegistryChange> _channel = Channel.CreateBounded<RegistryChange>(
        new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <summary>In the order in which they happened.</summary>
    public ChannelReader<RegistryChange> Changes => _channel.Reader;

    /// <summary>Never waits.</summary>
    public void Write(RegistryChange change) => _channel.Writer.TryWrite(change);
}
