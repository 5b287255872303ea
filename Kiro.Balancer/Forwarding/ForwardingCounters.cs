using System.Runtime.InteropServices;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// What the balancer forwarded since its start. Written in cells and summed by whoever looks, as
/// <see cref="Backends.BackendCounters"/> is: a <see cref="Cell"/> for each event loop, one that everybody else shares.
/// </summary>
internal sealed class ForwardingCounters
{
    private readonly Lock _adding = new();
    private ForwardingValues _shared;
    private volatile ForwardingCell?[] _cells = [];

    /// <summary>Requests of clients, however often each was tried.</summary>
    public long Requests => Sum(static (ref ForwardingValues values) => Volatile.Read(ref values.Requests));

    /// <summary>Tries after a first one.</summary>
    public long Retries => Sum(static (ref ForwardingValues values) => Volatile.Read(ref values.Retries));

    /// <summary>Requests that the balancer itself had to answer with an error.</summary>
    public long Errors => Sum(static (ref ForwardingValues values) => Volatile.Read(ref values.Errors));

    /// <summary>The cell of an event loop, made when it is first asked for. For that loop alone, which keeps it.</summary>
    /// <param name="loop">The loop's number, from 0.</param>
    public ForwardingCell Cell(int loop)
    {
        lock (_adding)
        {
            var cells = _cells;
            if (loop >= cells.Length)
            {
                Array.Resize(ref cells, loop + 1);
                _cells = cells;
            }

            return cells[loop] ??= new ForwardingCell();
        }
    }

    public void Request() => Interlocked.Increment(ref _shared.Requests);

    public void Retry() => Interlocked.Increment(ref _shared.Retries);

    public void Error() => Interlocked.Increment(ref _shared.Errors);

    private delegate long Value(ref ForwardingValues values);

    private long Sum(Value value)
    {
        var sum = value(ref _shared);
        foreach (var cell in _cells)
        {
            sum += cell is null ? 0 : value(ref cell.Values);
        }

        return sum;
    }
}

/// <summary>What one event loop forwarded; only that loop writes it.</summary>
internal sealed class ForwardingCell
{
    private ForwardingValues _values;

    /// <summary>A request of a client came.</summary>
    public void Request() => Volatile.Write(ref _values.Requests, _values.Requests + 1);

    /// <summary>A request goes to a node after the first one.</summary>
    public void Retry() => Volatile.Write(ref _values.Retries, _values.Retries + 1);

    /// <summary>The balancer itself answers with an error.</summary>
    public void Error() => Volatile.Write(ref _values.Errors, _values.Errors + 1);

    internal ref ForwardingValues Values => ref _values;
}

/// <summary>The counted values of a cell, alone on their cache line whatever stands before and behind them.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct ForwardingValues
{
    [FieldOffset(64)] public long Requests;
    [FieldOffset(72)] public long Retries;
    [FieldOffset(80)] public long Errors;
}
