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
