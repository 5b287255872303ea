using System.Collections.Concurrent;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>The WebSockets and event streams that are open, by node.</summary>
internal sealed class OpenStreams
{
    private readonly ConcurrentDictionary<IOpenStream, StreamEnds> _streams = new();

    public IEnumerable<KeyValuePair<IOpenStream, StreamEnds>> All => _streams;

    /// <param name="stream">What is open.</param>
    /// <param name="slot">The client's slot.</param>
    /// <param name="backend">The node.</param>
    public void Add(IOpenStream stream, int slot, Backend backend) => _streams[stream] = new StreamEnds(slot, backend);

    public void Remove(IOpenStream stream) => _streams.TryRemove(stream, out _);
}

/// <summary>A connection that goes on until somebody ends it.</summary>
internal interface IOpenStream
{
    /// <summary>Ends it in the way of its protocol, so that the client knows to come again.</summary>
    void End();
}

/// <summary>Between whom a stream is open: the slot of the client, and the node.</summary>
internal readonly record struct StreamEnds(int Slot, Backend Backend);
