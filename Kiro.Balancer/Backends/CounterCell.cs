using System.Runtime.InteropServices;

namespace Kiro.Balancer.Backends;

/// <summary>
/// What one event loop sent to one node. Only that loop writes it, with plain stores and nobody else's cache line; whoever
/// wants to know the sum asks <see cref="BackendCounters"/>. A loop keeps its cells with the rest of what it has for a node:
/// <see cref="BackendCounters.Cell"/> looks them up.
/// </summary>
internal sealed class CounterCell
{
    private CounterValues _values;

    /// <summary>Requests under way in this loop.</summary>
    public long InFlight => _values.InFlight;

    /// <summary>A request goes to the node.</summary>
    public void Begin()
    {
        Volatile.Write(ref _values.Requests, _values.Requests + 1);
        Volatile.Write(ref _values.InFlight, _values.InFlight + 1);
    }

    /// <summary>From here on the node owes a response: it has, or is about to have, all of the request.</summary>
    /// <param name="now"><see cref="TimeProvider.GetTimestamp"/>, as fresh as the loop has it.</param>
    public void Await(long now)
    {
        if (_values.Awaiting == 0)
        {
            Volatile.Write(ref _values.AwaitingSince, now);
        }

        Volatile.Write(ref _values.Awaiting, _values.Awaiting + 1);
    }

    /// <summary>The node owes this response no longer. Once for each <see cref="Await"/>.</summary>
    public void Settle() => Volatile.Write(ref _values.Awaiting, _values.Awaiting - 1);

    /// <summary>The node has begun a response.</summary>
    /// <param name="now"><see cref="TimeProvider.GetTimestamp"/>, as fresh as the loop has it.</param>
    public void Respond(long now) => Volatile.Write(ref _values.LastSign, now);

    /// <summary>Bytes of a response went to the client.</summary>
    public void Pass(long bytes) => Volatile.Write(ref _values.ResponseBytes, _values.ResponseBytes + bytes);

    /// <summary>The exchange is over. Once for each <see cref="Begin"/>.</summary>
    public void End() => Volatile.Write(ref _values.InFlight, _values.InFlight - 1);

    /// <summary>The node failed a request.</summary>
    public void Fail() => Volatile.Write(ref _values.Failures, _values.Failures + 1);

    /// <summary>A request goes to another node because this one has its share.</summary>
    public void Overflow() => Volatile.Write(ref _values.Overflows, _values.Overflows + 1);

    internal ref CounterValues Values => ref _values;
}

/// <summary>The counted values of a cell, alone on their cache line whatever stands before and behind them.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct CounterValues
{
    [FieldOffset(64)] public long Requests;
    [FieldOffset(72)] public long Failures;
    [FieldOffset(80)] public long Overflows;
    [FieldOffset(88)] public long ResponseBytes;
    [FieldOffset(96)] public long InFlight;
    [FieldOffset(104)] public long Awaiting;
    [FieldOffset(112)] public long AwaitingSince;
    [FieldOffset(120)] public long LastSign;
}
