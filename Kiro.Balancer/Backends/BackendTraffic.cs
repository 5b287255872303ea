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

    /// <summary>How many responses there are, without an allocation.</summary>
    public long Responses
    {
        get
        {
            var sum = 0L;
            foreach (var cell in _shared)
            {
                sum += cell?.Responses ?? 0;
            }

            foreach (var cell in _loops)
            {
                sum += cell?.Responses ?? 0;
            }

            return sum;
        }
    }

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

/// <summary>
/// What one writer counted of a node's responses. An event loop has a cell of its own, which nobody else writes, so plain
/// stores are enough; <see cref="BackendTraffic"/> sums the cells for whoever looks.
/// </summary>
internal sealed class TrafficCell
{
    // The counts of another object must not be on the same cache line, before or behind.
    private const int Padding = 8;

    private readonly long[] _counts = new long[TrafficCounts.Length + 2 * Padding];

    /// <summary>How many responses were counted.</summary>
    public long Responses
    {
        get
        {
            var sum = 0L;
            for (var statusClass = 0; statusClass <= TrafficCounts.MaxClass; statusClass++)
            {
                sum += Volatile.Read(ref _counts[Padding + statusClass]);
            }

            return sum;
        }
    }

    /// <summary>Counts a response. For the cell's owner alone; no lock, no allocation.</summary>
    /// <param name="status">Its status, 100 to 599.</param>
    /// <param name="duration">From when the request went to the node until the head of the response was there.</param>
    /// <param name="bytesIn">Bytes that went to the node.</param>
    /// <param name="bytesOut">Bytes that came from it.</param>
    public void Record(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        Add(ClassOf(status), 1);
        Add(TrafficCounts.Latencies + LatencyBuckets.Of(duration), 1);
        Add(TrafficCounts.BytesIn, bytesIn);
        Add(TrafficCounts.BytesOut, bytesOut);
    }

    /// <summary>The same from any thread.</summary>
    internal void RecordShared(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        Interlocked.Increment(ref _counts[Padding + ClassOf(status)]);
        Interlocked.Increment(ref _counts[Padding + TrafficCounts.Latencies + LatencyBuckets.Of(duration)]);
        Interlocked.Add(ref _counts[Padding + TrafficCounts.BytesIn], bytesIn);
        Interlocked.Add(ref _counts[Padding + TrafficCounts.BytesOut], bytesOut);
    }

    /// <summary>The same for a response that no node gave, and that therefore has no duration.</summary>
    internal void RecordOwn(int status) => Interlocked.Increment(ref _counts[Padding + ClassOf(status)]);

    internal void AddTo(long[] sums)
    {
        for (var count = 0; count < sums.Length; count++)
        {
            sums[count] += Volatile.Read(ref _counts[Padding + count]);
        }
    }

    // 0 for what is no status of HTTP.
    private static int ClassOf(int status) => (uint)(status - 100) < 500 ? status / 100 : 0;

    private void Add(int count, long value)
    {
        ref var cell = ref _counts[Padding + count];
        Volatile.Write(ref cell, cell + value);
    }
}
