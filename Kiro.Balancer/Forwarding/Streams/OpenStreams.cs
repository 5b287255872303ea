using System.Collections.Concurrent;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>The open WebSockets and event streams.</summary>
internal sealed class OpenStreams
{
    private readonly ConcurrentDictionary<IOpenStream, StreamRoute> _streams = new();

    public IEnumerable<KeyValuePair<IOpenStream, StreamRoute>> All => _streams;

    public void Add(IOpenStream stream, int slot, Backend backend) => _streams[stream] = new StreamRoute(slot, backend);

    public void Remove(IOpenStream stream) => _streams.TryRemove(stream, out _);
}

/// <summary>A long-lived connection that can be asked to close.</summary>
internal interface IOpenStream
{
    /// <summary>Closes it as its protocol requires, so that the client reconnects.</summary>
    void End();
}

/// <summary>The client's slot and the backend of a stream.</summary>
internal readonly record struct StreamRoute(int Slot, Backend Backend);

/// <summary>Keeps the sessions of clients with open WebSockets and event streams alive: they send no requests, but reconnect when the stream
/// breaks, and then need the same backend.</summary>
internal sealed class StreamSessions(OpenStreams streams, BackendRegistry registry, SessionTable sessions, TimeProvider time) : BackgroundService
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
            // Shutting down.
        }
    }
}

/// <summary>The backend's side of an event stream or gRPC call, which can be ended early: the client's response then ends properly, and the
/// client reconnects.</summary>
internal sealed class EventStream(Stream backend, OpenStreams streams) : ForwardOnlyStream, IOpenStream
{
    private readonly CancellationTokenSource _end = new();

    /// <summary>Whether it was ended before the backend did.</summary>
    public bool WasEndedEarly { get; private set; }

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, cancellationToken);
        try
        {
            return await backend.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            WasEndedEarly = true;
            return 0;
        }
    }

    public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        await ReadAsync(buffer.AsMemory(offset, count), cancellationToken);

    public void End() => _end.Cancel();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            streams.Remove(this);
            backend.Dispose();
        }

        base.Dispose(disposing);
    }
}
