using System.Runtime.InteropServices;
using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// Counts forwarded requests since the start. As in <see cref="BackendCounters"/>, each event loop writes a <see cref="Cell"/> of its own,
/// all others share one, and readers add them up.
/// </summary>
internal sealed class ForwardingCounters
{
    private readonly LoopCells<ForwardingCell> _cells = new();
    private ForwardingValues _shared;

    /// <summary>Client requests, regardless of retries.</summary>
    public long Requests => Sum(static (ref ForwardingValues values) => Volatile.Read(ref values.Requests));

    public long Retries => Sum(static (ref ForwardingValues values) => Volatile.Read(ref values.Retries));

    /// <summary>Requests answered with an error of the balancer itself.</summary>
    public long Errors => Sum(static (ref ForwardingValues values) => Volatile.Read(ref values.Errors));

    /// <inheritdoc cref="LoopCells{TCell}.Of"/>
    public ForwardingCell Cell(int loop) => _cells.Of(loop);

    public void CountRequest() => Interlocked.Increment(ref _shared.Requests);

    public void CountRetry() => Interlocked.Increment(ref _shared.Retries);

    public void CountError() => Interlocked.Increment(ref _shared.Errors);

    private delegate long Value(ref ForwardingValues values);

    private long Sum(Value value)
    {
        var sum = value(ref _shared);
        foreach (var cell in _cells.All)
        {
            sum += cell is null ? 0 : value(ref cell.Values);
        }

        return sum;
    }
}

/// <summary>The counters of one event loop, which is their only writer.</summary>
internal sealed class ForwardingCell
{
    private ForwardingValues _values;

    /// <summary>Counts a client request.</summary>
    public void CountRequest() => Volatile.Write(ref _values.Requests, _values.Requests + 1);

    /// <summary>Counts a retry on another backend.</summary>
    public void CountRetry() => Volatile.Write(ref _values.Retries, _values.Retries + 1);

    /// <summary>Counts an error response of the balancer itself.</summary>
    public void CountError() => Volatile.Write(ref _values.Errors, _values.Errors + 1);

    internal ref ForwardingValues Values => ref _values;
}

/// <summary>The values of a cell, padded against false sharing on both sides.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct ForwardingValues
{
    [FieldOffset(64)] public long Requests;
    [FieldOffset(72)] public long Retries;
    [FieldOffset(80)] public long Errors;
}
