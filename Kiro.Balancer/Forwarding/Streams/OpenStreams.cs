using System.Collections.Concurrent;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>The WebSockets and event streams that are open, by node.</summary>
internal sealed class OpenStreams
{
    private readonly ConcurrentDictionary<IOpenStream, Backend> _streams = new();

    public IEnumerable<KeyValuePair<IOpenStream, Backend>> All => _streams;

    public void Add(IOpenStream stream, Backend backend) => _streams[stream] = backend;

    public void Remove(IOpenStream stream) => _streams.TryRemove(stream, out _);
}

/// <summary>A connection that goes on until somebody ends it.</summary>
internal interface IOpenStream
{
    /// <summary>Ends it in the way of its protocol, so that the client knows to come again.</summary>
    void End();
}
