using System.Runtime.InteropServices;

namespace Kiro.Balancer.Backends;

/// <summary>
/// What was sent to a node since it is known. It is written in cells and summed by whoever looks: every event loop has a
/// <see cref="Cell"/> of its own and writes it without a lock or an atomic operation; all other requests, which run on any
/// thread, share the one that the methods here write.
/// </summary>
internal sealed class BackendCounters(TimeProvider time)
{
    private readonly Lock _adding = new();
    private CounterValues _shared;
    private volatile CounterCell?[] _cells = [];
    private int _lossStreak;

    /// <summary>Requests that were given to the node, each try counted.</summary>
    public long Requests => Sum(static (ref CounterValues values) => Volatile.Read(ref values.Requests));

    /// <summary>Those that got no complete response, through no fault of the client.</summary>
    public long Failures => Sum(static (ref CounterValues values) => Volatile.Read(ref values.Failures));

    /// <summary>Requests that went to another node because this one had its share.</summary>
    public long Overflows => Sum(static (ref CounterValues values) => Volatile.Read(ref values.Overflows));

    /// <summary>Requests under way, upgraded connections among them.</summary>
    public int InFlight => (int)Sum(static (ref CounterValues values) => Volatile.Read(ref values.InFlight));

    /// <summary>Requests whose response the node owes.</summary>
    public int Awaiting => (int)Sum(static (ref CounterValues values) => Volatile.Read(ref values.Awaiting));

    /// <summary>How long the node has owed responses without giving any; zero when it owes none.</summary>
    public TimeSpan Silence
    {
        get
        {
            var (since, lastSign) = Looked();
            return since == long.MaxValue ? TimeSpan.Zero : time.GetElapsedTime(Math.Max(since, lastSign));
        }
    }

    /// <summary>Whether the node has begun a response since a moment.</summary>
    /// <param name="timestamp">As <see cref="TimeProvider.GetTimestamp"/>.</param>
    public bool HasSignSince(long timestamp)
    {
        var (_, lastSign) = Looked();
        return lastSign >= timestamp;
    }

    /// <summary>The cell of an event loop, made when it is first asked for. For that loop alone, which keeps it.</summary>
    /// <param name="loop">The loop's number, from 0.</param>
    public CounterCell Cell(int loop)
    {
        lock (_adding)
        {
            var cells = _cells;
            if (loop >= cells.Length)
            {
                Array.Resize(ref cells, loop + 1);
                _cells = cells;
            }

            return cells[loop] ??= new CounterCell();
        }
    }

    /// <inheritdoc cref="CounterCell.Begin"/>
    public void Begin()
    {
        Interlocked.Increment(ref _shared.Requests);
        Interlocked.Increment(ref _shared.InFlight);
    }

    /// <summary>From here on the node owes a response: it has, or is about to have, all of the request.</summary>
    public void Await()
    {
        if (Interlocked.Increment(ref _shared.Awaiting) == 1)
        {
            Volatile.Write(ref _shared.AwaitingSince, time.GetTimestamp());
        }
    }

    /// <inheritdoc cref="CounterCell.Settle"/>
    public void Settle() => Interlocked.Decrement(ref _shared.Awaiting);

    /// <summary>The node has begun a response.</summary>
    public void Respond() => Volatile.Write(ref _shared.LastSign, time.GetTimestamp());

    /// <inheritdoc cref="CounterCell.End"/>
    public void End() => Interlocked.Decrement(ref _shared.InFlight);

    /// <summary>The node failed a request.</summary>
    public void Fail() => Interlocked.Increment(ref _shared.Failures);

    /// <summary>A request goes to another node because this one has its share.</summary>
    public void Overflow() => Interlocked.Increment(ref _shared.Overflows);

    /// <summary>A request was lost on an open connection; from any thread.</summary>
    /// <returns>How many were lost in a row.</returns>
    public int Lose() => Interlocked.Increment(ref _lossStreak);

    /// <summary>A complete response, or an ejection, begins the count of losses anew; from any thread.</summary>
    public void ForgetLosses()
    {
        if (Volatile.Read(ref _lossStreak) != 0)
        {
            Volatile.Write(ref _lossStreak, 0);
        }
    }

    private delegate long Value(ref CounterValues values);

    private long Sum(Value value)
    {
        var sum = value(ref _shared);
        foreach (var cell in _cells)
        {
            sum += cell is null ? 0 : value(ref cell.Values);
        }

        return sum;
    }

    /// <returns>Since when a response is owed, if any is, and when one last began.</returns>
    private (long Since, long LastSign) Looked()
    {
        var (since, lastSign) = (long.MaxValue, long.MinValue);
        Look(ref _shared, ref since, ref lastSign);
        foreach (var cell in _cells)
        {
            if (cell is not null)
            {
                Look(ref cell.Values, ref since, ref lastSign);
            }
        }

        return (since, lastSign);
    }

    private static void Look(ref CounterValues values, ref long since, ref long lastSign)
    {
        if (Volatile.Read(ref values.Awaiting) > 0)
        {
            since = Math.Min(since, Volatile.Read(ref values.AwaitingSince));
        }

        if (Volatile.Read(ref values.LastSign) is not 0 and var sign)
        {
            lastSign = Math.Max(lastSign, sign);
        }
    }
}

/// <summary>
/// What one event loop sent to one node. Only that loop writes it, with plain stores and nobody else's cache line; whoever
/// wants to know the sum asks <see cref="BackendCounters"/>. A loop keeps its cells with the rest of what it has for a node:
/// <see cref="BackendCounters.Cell"/> looks them up.
/// </summary>
internal sealed class CounterCell
{
    private CounterValues _values;

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

    /// <summary>The exchange is over. Once for each <see cref="Begin"/>.</summary>
    public void End() => Volatile.Write(ref _values.InFlight, _values.InFlight - 1);

    internal ref CounterValues Values => ref _values;
}

/// <summary>The counted values of a cell, alone on their cache line whatever stands before and behind them.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct CounterValues
{
    [FieldOffset(64)] public long Requests;
    [FieldOffset(72)] public long Failures;
    [FieldOffset(80)] public long Overflows;
    [FieldOffset(88)] public long InFlight;
    [FieldOffset(96)] public long Awaiting;
    [FieldOffset(104)] public long AwaitingSince;
    [FieldOffset(112)] public long LastSign;
}
