using System.Runtime.InteropServices;

namespace Kiro.Balancer.Backends;

/// <summary>
/// A backend's request counters, striped: each event loop has its own <see cref="Cell"/> and writes it without locks or atomic
/// operations; requests on other threads share the one that the methods here write. Readers sum the cells.
/// </summary>
internal sealed class BackendCounters(TimeProvider time)
{
    private readonly LoopCells<CounterCell> _cells = new();
    private CounterValues _shared;
    private int _lossStreak;

    /// <summary>Requests sent to the backend, counting each attempt.</summary>
    public long Requests => Sum(static (ref CounterValues values) => Volatile.Read(ref values.Requests));

    /// <summary>Requests that got no complete response, other than through the client's fault.</summary>
    public long Failures => Sum(static (ref CounterValues values) => Volatile.Read(ref values.Failures));

    /// <summary>Requests that went to another backend because this one was over its load bound.</summary>
    public long Overflows => Sum(static (ref CounterValues values) => Volatile.Read(ref values.Overflows));

    /// <summary>Requests in flight, including upgraded connections.</summary>
    public int InFlight => (int)Sum(static (ref CounterValues values) => Volatile.Read(ref values.InFlight));

    /// <summary>Requests waiting for the start of a response.</summary>
    public int Awaiting => (int)Sum(static (ref CounterValues values) => Volatile.Read(ref values.Awaiting));

    /// <summary>How long requests have been waiting without any response starting; zero if none is waiting.</summary>
    public TimeSpan Silence
    {
        get
        {
            var (since, lastResponse) = Activity();
            return since == long.MaxValue ? TimeSpan.Zero : time.GetElapsedTime(Math.Max(since, lastResponse));
        }
    }

    /// <summary>Whether any response has started since a point in time.</summary>
    /// <param name="timestamp">As <see cref="TimeProvider.GetTimestamp"/>.</param>
    public bool HasRespondedSince(long timestamp)
    {
        var (_, lastResponse) = Activity();
        return lastResponse >= timestamp;
    }

    /// <inheritdoc cref="LoopCells{TCell}.Of"/>
    public CounterCell Cell(int loop) => _cells.Of(loop);

    /// <inheritdoc cref="CounterCell.Begin"/>
    public void Begin()
    {
        Interlocked.Increment(ref _shared.Requests);
        Interlocked.Increment(ref _shared.InFlight);
    }

    /// <inheritdoc cref="CounterCell.Await"/>
    public void Await()
    {
        if (Interlocked.Increment(ref _shared.Awaiting) == 1)
        {
            Volatile.Write(ref _shared.AwaitingSince, time.GetTimestamp());
        }
    }

    /// <inheritdoc cref="CounterCell.Settle"/>
    public void Settle() => Interlocked.Decrement(ref _shared.Awaiting);

    /// <inheritdoc cref="CounterCell.Respond"/>
    public void Respond() => Volatile.Write(ref _shared.LastResponse, time.GetTimestamp());

    /// <inheritdoc cref="CounterCell.End"/>
    public void End() => Interlocked.Decrement(ref _shared.InFlight);

    public void Fail() => Interlocked.Increment(ref _shared.Failures);

    /// <summary>A request goes to another backend because this one is over its load bound.</summary>
    public void Overflow() => Interlocked.Increment(ref _shared.Overflows);

    /// <summary>A request was lost on an open connection. Thread-safe.</summary>
    /// <returns>The number of consecutive losses.</returns>
    public int RecordLoss() => Interlocked.Increment(ref _lossStreak);

    /// <summary>Resets the consecutive losses, after a complete response or an ejection. Thread-safe.</summary>
    public void ResetLosses()
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
        foreach (var cell in _cells.All)
        {
            sum += cell is null ? 0 : value(ref cell.Values);
        }

        return sum;
    }

    /// <returns>Since when requests have been waiting, and when a response last started.</returns>
    private (long Since, long LastResponse) Activity()
    {
        var (since, lastResponse) = (long.MaxValue, long.MinValue);
        ReadActivity(ref _shared, ref since, ref lastResponse);
        foreach (var cell in _cells.All)
        {
            if (cell is not null)
            {
                ReadActivity(ref cell.Values, ref since, ref lastResponse);
            }
        }

        return (since, lastResponse);
    }

    private static void ReadActivity(ref CounterValues values, ref long since, ref long lastResponse)
    {
        if (Volatile.Read(ref values.Awaiting) > 0)
        {
            since = Math.Min(since, Volatile.Read(ref values.AwaitingSince));
        }

        if (Volatile.Read(ref values.LastResponse) is not 0 and var response)
        {
            lastResponse = Math.Max(lastResponse, response);
        }
    }
}

/// <summary>
/// One event loop's counters for one backend. Only that loop writes them, with plain stores to a cache line of its own;
/// <see cref="BackendCounters"/> sums them.
/// </summary>
internal sealed class CounterCell
{
    private CounterValues _values;

    /// <summary>A request is sent to the backend.</summary>
    public void Begin()
    {
        Volatile.Write(ref _values.Requests, _values.Requests + 1);
        Volatile.Write(ref _values.InFlight, _values.InFlight + 1);
    }

    /// <summary>A response is due from here on: the request has been sent, or is about to be, as a whole.</summary>
    /// <param name="now"><see cref="TimeProvider.GetTimestamp"/>, as cached by the loop.</param>
    public void Await(long now)
    {
        if (_values.Awaiting == 0)
        {
            Volatile.Write(ref _values.AwaitingSince, now);
        }

        Volatile.Write(ref _values.Awaiting, _values.Awaiting + 1);
    }

    /// <summary>The response has started or is no longer expected. Once for each <see cref="Await"/>.</summary>
    public void Settle() => Volatile.Write(ref _values.Awaiting, _values.Awaiting - 1);

    /// <summary>A response has started.</summary>
    /// <param name="now"><see cref="TimeProvider.GetTimestamp"/>, as cached by the loop.</param>
    public void Respond(long now) => Volatile.Write(ref _values.LastResponse, now);

    /// <summary>The exchange has ended. Once for each <see cref="Begin"/>.</summary>
    public void End() => Volatile.Write(ref _values.InFlight, _values.InFlight - 1);

    internal ref CounterValues Values => ref _values;
}

/// <summary>The values of a cell, padded against false sharing.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct CounterValues
{
    [FieldOffset(64)] public long Requests;
    [FieldOffset(72)] public long Failures;
    [FieldOffset(80)] public long Overflows;
    [FieldOffset(88)] public long InFlight;
    [FieldOffset(96)] public long Awaiting;
    [FieldOffset(104)] public long AwaitingSince;
    [FieldOffset(112)] public long LastResponse;
}
