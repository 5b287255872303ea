using System.Collections.Concurrent;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

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

/// <summary>Whoever has a WebSocket or a stream of events open has a session, although no request says so: when the stream
/// breaks, its client comes again, and wants what the node knows of it.</summary>
internal sealed class StreamSessions(OpenStreams streams, BackendRegistry registry, SessionMemory sessions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan MaxPeriod = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(sessions.Idle / 4 < MaxPeriod ? sessions.Idle / 4 : MaxPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var snapshot = registry.Current;
                foreach (var (_, (slot, backend)) in streams.All)
                {
                    sessions.Use(slot, snapshot.Of(backend)?.Tenure ?? Tenure.None);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }
}
