namespace Kiro.Balancer.Backends;

/// <summary>
/// A backend's responses and their latencies, striped to avoid contention: each event loop has its own cell, and requests on other
/// threads use the cell of their processor.
/// </summary>
internal sealed class BackendTraffic(TimeProvider time)
{
    // A power of two, so that masking the processor id gives the cell.
    private static readonly int Shared = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 64));

    private readonly TrafficCell?[] _shared = new TrafficCell?[Shared];
    private readonly LoopCells<TrafficCell> _loops = new();
    private long _retries;
    private long _connects;

    /// <summary>Failed requests that were retried on another backend.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Connections opened for requests.</summary>
    public long Connects => Interlocked.Read(ref _connects);

    /// <summary>A timestamp for <see cref="Since"/>.</summary>
    public long Now => time.GetTimestamp();

    public TimeSpan Since(long moment) => time.GetElapsedTime(moment);

    /// <summary>The number of responses. Does not allocate.</summary>
    public long Responses
    {
        get
        {
            var sum = 0L;
            foreach (var cell in _shared)
            {
                sum += cell?.Responses ?? 0;
            }

            foreach (var cell in _loops.All)
            {
                sum += cell?.Responses ?? 0;
            }

            return sum;
        }
    }

    /// <summary>The sum of all cells.</summary>
    public TrafficCounts Sum() => TrafficCounts.Of(_shared.Concat(_loops.All.ToArray()).OfType<TrafficCell>());

    /// <inheritdoc cref="LoopCells{TCell}.Of"/>
    public TrafficCell Cell(int loop) => _loops.Of(loop);

    /// <summary>Counts a response. Thread-safe, no lock; allocates only a processor's cell.</summary>
    /// <inheritdoc cref="TrafficCell.Record"/>
    public void Record(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        ref var cell = ref _shared[Thread.GetCurrentProcessorId() & (Shared - 1)];
        (Volatile.Read(ref cell) ?? Added(ref cell)).RecordShared(status, duration, bytesIn, bytesOut);
    }

    /// <summary>A failed request is retried on another backend.</summary>
    public void CountRetry() => Interlocked.Increment(ref _retries);

    /// <summary>A connection was opened.</summary>
    public void CountConnect() => Interlocked.Increment(ref _connects);

    private static TrafficCell Added(ref TrafficCell? cell)
    {
        var added = new TrafficCell();
        return Interlocked.CompareExchange(ref cell, added, null) ?? added;
    }
}

/// <summary>
/// Response counts of one stripe. An event loop's cell has a single writer, so plain stores suffice; <see cref="BackendTraffic"/>
/// sums the cells.
/// </summary>
internal sealed class TrafficCell
{
    // Against false sharing with other objects, before and behind.
    private const int Padding = 8;

    private readonly long[] _counts = new long[TrafficCounts.Length + 2 * Padding];

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

    /// <summary>Counts a response. Only for the owner of the cell; no lock, no allocation.</summary>
    /// <param name="status">Its status, 100 to 599.</param>
    /// <param name="duration">From sending the request to receiving the response's head.</param>
    /// <param name="bytesIn">Bytes sent to the backend.</param>
    /// <param name="bytesOut">Bytes received from it.</param>
    public void Record(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        Add(ClassOf(status), 1);
        Add(TrafficCounts.Latencies + LatencyBuckets.Of(duration), 1);
        Add(TrafficCounts.BytesIn, bytesIn);
        Add(TrafficCounts.BytesOut, bytesOut);
    }

    /// <summary>The same, thread-safe.</summary>
    internal void RecordShared(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        Interlocked.Increment(ref _counts[Padding + ClassOf(status)]);
        Interlocked.Increment(ref _counts[Padding + TrafficCounts.Latencies + LatencyBuckets.Of(duration)]);
        Interlocked.Add(ref _counts[Padding + TrafficCounts.BytesIn], bytesIn);
        Interlocked.Add(ref _counts[Padding + TrafficCounts.BytesOut], bytesOut);
    }

    /// <summary>The same for a response of the balancer's own, which has no latency. Thread-safe.</summary>
    internal void RecordOwn(int status) => Interlocked.Increment(ref _counts[Padding + ClassOf(status)]);

    internal void AddTo(long[] sums)
    {
        for (var count = 0; count < sums.Length; count++)
        {
            sums[count] += Volatile.Read(ref _counts[Padding + count]);
        }
    }

    // 0 for an invalid status.
    private static int ClassOf(int status) => (uint)(status - 100) < 500 ? status / 100 : 0;

    private void Add(int count, long value)
    {
        ref var cell = ref _counts[Padding + count];
        Volatile.Write(ref cell, cell + value);
    }
}
