using System.Collections.Concurrent;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>The WebSockets and event streams that are open, by node.</summary>
internal sealed class OpenStreams
{
    private readonly ConcurrentDictionary<IOpenStream, StreamRoute> _streams = new();

    public IEnumerable<KeyValuePair<IOpenStream, StreamRoute>> All => _streams;

    /// <param name="stream">What is open.</param>
    /// <param name="slot">The client's slot.</param>
    /// <param name="backend">The node.</param>
    public void Add(IOpenStream stream, int slot, Backend backend) => _streams[stream] = new StreamRoute(slot, backend);

    public void Remove(IOpenStream stream) => _streams.TryRemove(stream, out _);
}

/// <summary>A connection that goes on until somebody ends it.</summary>
internal interface IOpenStream
{
    /// <summary>Ends it in the way of its protocol, so that the client knows to come again.</summary>
    void End();
}

/// <summary>Between whom a stream is open: the slot of the client, and the node.</summary>
internal readonly record struct StreamRoute(int Slot, Backend Backend);

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

/// <summary>The node's end of a stream of server-sent events, or of a gRPC call, which can be made to end: then the client's response ends, too,
/// completely, and the client connects again.</summary>
internal sealed class EventStream(Stream node, OpenStreams streams) : ForwardOnlyStream, IOpenStream
{
    private readonly CancellationTokenSource _end = new();

    /// <summary>It was made to end before the node ended it.</summary>
    public bool WasEnded { get; private set; }

    public override bool CanRead => true;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, cancellationToken);
        try
        {
            return await node.ReadAsync(buffer, either.Token);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            WasEnded = true;
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
            node.Dispose();
        }

        base.Dispose(disposing);
    }
}

/// <summary>Closes the streams of a node, or of a balancer, that has been draining for the time of grace. A node whose sessions may
/// end by themselves keeps its streams.</summary>
internal sealed class StreamDrain(
    OpenStreams streams, BackendRegistry registry, Reloadable<StreamOptions> options, Drain drain, Reloadable<DrainOptions> drainOptions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan TimeToClose = TimeSpan.FromSeconds(4);

    private long? _balancerDrains;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Look();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // By now the server has stopped, and with it every stream.
        }
    }

    private void Look()
    {
        if (drain.IsDraining)
        {
            _balancerDrains ??= time.GetTimestamp();
        }

        // Close frames must be sent before the server cuts whatever is still open.
        var stop = drainOptions.Value.Delay + drainOptions.Value.Timeout;
        var last = stop > 2 * TimeToClose ? stop - TimeToClose : stop / 2;
        var wanted = options.Value.Grace;
        var grace = wanted < last ? wanted : last;
        var all = _balancerDrains is { } since && time.GetElapsedTime(since) >= grace;
        foreach (var (stream, (_, backend)) in streams.All)
        {
            if (all || (registry.Current.Of(backend) is { State: BackendState.Draining, Health.KeepsSessions: false } known && registry.Now.Uptime - known.Health.Since.Uptime >= wanted))
            {
                streams.Remove(stream);
                stream.End();
            }
        }
    }
}

/// <summary>How long connections that never end by themselves may go on.</summary>
/// <param name="Grace"><c>STREAM_GRACE</c>: how long WebSockets and event streams go on after their node, or the balancer,
/// began to drain, 0 to 86400 s, default 10 s.</param>
internal sealed record StreamOptions(TimeSpan Grace)
{
    public static StreamOptions Read(SettingsReader settings) => new(settings.Seconds("STREAM_GRACE", 10, 0, 86400));
}
