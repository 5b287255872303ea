namespace Kiro.Balancer.Backends;

/// <summary>
/// What one writer counted of a node's responses. An event loop has a cell of its own, which nobody else writes, so plain
/// stores are enough; <see cref="BackendTraffic"/> sums the cells for whoever looks.
/// </summary>
internal sealed class TrafficCell
{
    // The counts of another object must not be on the same cache line, before or behind.
    private const int Padding = 8;

    private readonly long[] _counts = new long[TrafficCounts.Length + 2 * Padding];

    /// <summary>Counts a response. For the cell's owner alone; no lock, no allocation.</summary>
    /// <param name="status">Its status, 100 to 599.</param>
    /// <param name="duration">From when the request went to the node until the head of the response was there.</param>
    /// <param name="bytesIn">Bytes that went to the node.</param>
    /// <param name="bytesOut">Bytes that came from it.</param>
    public void Record(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        Add(TrafficCounts.ClassOf(status), 1);
        Add(TrafficCounts.Latencies + LatencyBuckets.Of(duration), 1);
        Add(TrafficCounts.BytesIn, bytesIn);
        Add(TrafficCounts.BytesOut, bytesOut);
    }

    /// <summary>The same from any thread.</summary>
    internal void RecordShared(int status, TimeSpan duration, long bytesIn, long bytesOut)
    {
        Interlocked.Increment(ref _counts[Padding + TrafficCounts.ClassOf(status)]);
        Interlocked.Increment(ref _counts[Padding + TrafficCounts.Latencies + LatencyBuckets.Of(duration)]);
        Interlocked.Add(ref _counts[Padding + TrafficCounts.BytesIn], bytesIn);
        Interlocked.Add(ref _counts[Padding + TrafficCounts.BytesOut], bytesOut);
    }

    /// <summary>The same for a response that no node gave, and that therefore has no duration.</summary>
    internal void RecordOwn(int status) => Interlocked.Increment(ref _counts[Padding + TrafficCounts.ClassOf(status)]);

    internal void AddTo(long[] sums)
    {
        for (var count = 0; count < sums.Length; count++)
        {
            sums[count] += Volatile.Read(ref _counts[Padding + count]);
        }
    }

    private void Add(int count, long value)
    {
        ref var cell = ref _counts[Padding + count];
        Volatile.Write(ref cell, cell + value);
    }
}
