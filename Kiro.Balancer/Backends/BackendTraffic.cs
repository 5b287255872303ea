namespace Kiro.Balancer.Backends;

/// <summary>
/// What a node answered, and how fast, since it is known. Written in cells, so that nobody waits for anybody: every event
/// loop has its own, and requests on any thread use that of their processor.
/// </summary>
internal sealed class BackendTraffic(TimeProvider time)
{
    // A power of two, so that a processor's number finds its cell by a mask.
    private static readonly int Shared = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 64));

    private readonly Lock _adding = new();
    private readonly TrafficCell?[] _shared = new TrafficCell?[Shared];
    private volatile TrafficCell?[] _loops = [];
    private long _retries;
    private long _connects;

    /// <summary>Requests that the node failed and that went on to another one.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Connections that were opened to the node for requests.</summary>
    public long Connects => Interlocked.Read(ref _connects);

    /// <summary>The moment, for <see cref="Since"/>.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>The time since a moment.</summary>
    public TimeSpan Since(long moment) => time.GetElapsedTime(moment);

    /// <summary>All cells together.</summary>
    public TrafficCounts Sum() => TrafficCounts.Of(_shared.Concat(_loops).OfType<TrafficCell>());

    /// <summary>The cell of an event loop, made when it is first asked for. For that loop alone, which keeps it.</summary>
    /// <param name="loop">The loop's number, from 0.</param>
    public TrafficCell Cell(int loop)
    {
        lock (_adding)
        {
            var loops = _loops;
            if (loop >= loops.Length)
            {
                Array.Resize(ref loops, loop + 1);
                _loops = loops;
            }

            return loops[loop] ??= new TrafficCell();
        }
    }

    /// <summary>Counts a response, from any thread. No lock, and no allocation but for the first of a processor.</summary>
    /// <inheritdoc cref="TrafficCell.Record"/>
    public void Record(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        ref var cell = ref _shared[Thread.GetCurrentProcessorId() & (Shared - 1)];
        (Volatile.Read(ref cell) ?? Added(ref cell)).RecordShared(status, duration, bytesIn, bytesOut);
    }

    /// <summary>The node failed a request, which goes on to another one.</summary>
    public void Retry() => Interlocked.Increment(ref _retries);

    /// <summary>A connection to the node was opened.</summary>
    public void Connect() => Interlocked.Increment(ref _connects);

    private static TrafficCell Added(ref TrafficCell? cell)
    {
        var added = new TrafficCell();
        return Interlocked.CompareExchange(ref cell, added, null) ?? added;
    }
}
