using System.Collections.Concurrent;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

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

/// <summary>Closes streams after the grace period when their backend or the balancer drains. A backend that waits for its sessions to end keeps
/// its streams.</summary>
internal sealed class StreamDrain(
    OpenStreams streams, BackendRegistry registry, Reloadable<StreamOptions> options, Drain drain, Reloadable<DrainOptions> drainOptions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(4);

    private long? _balancerDrainStart;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                CloseExpired();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server has stopped, and with it every stream.
        }
    }

    private void CloseExpired()
    {
        if (drain.IsDraining)
        {
            _balancerDrainStart ??= time.GetTimestamp();
        }

        // Close frames must go out before the server aborts what is still open.
        var stop = drainOptions.Value.Delay + drainOptions.Value.Timeout;
        var latest = stop > 2 * CloseTimeout ? stop - CloseTimeout : stop / 2;
        var configured = options.Value.Grace;
        var grace = configured < latest ? configured : latest;
        var all = _balancerDrainStart is { } since && time.GetElapsedTime(since) >= grace;
        foreach (var (stream, (_, backend)) in streams.All)
        {
            if (all || (registry.Current.Of(backend) is { State: BackendState.Draining, Health.KeepsSessions: false } known && registry.Now.Uptime - known.Health.Since.Uptime >= configured))
            {
                streams.Remove(stream);
                stream.End();
            }
        }
    }
}

/// <summary>How long streams may go on while draining.</summary>
/// <param name="Grace"><c>STREAM_GRACE</c>: grace period of WebSockets and event streams after their backend or the balancer began to drain,
/// 0 to 86400 s, default 10 s.</param>
internal sealed record StreamOptions(TimeSpan Grace)
{
    public static StreamOptions Read(SettingsReader settings) => new(settings.Seconds("STREAM_GRACE", 10, 0, 86400));
}
