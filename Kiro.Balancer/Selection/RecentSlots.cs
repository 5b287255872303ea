using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>
/// The slots that had requests recently: two generations of one bit per slot. A slot stays in the set for one to two periods after
/// its last request. A request reads one word, and writes it only once a period.
/// </summary>
internal sealed class RecentSlots(TimeProvider? time = null) : IHostedService, IDisposable
{
    /// <summary>The length of a generation.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private const int WordBits = 6;
    private const int Words = ClientHash.SlotCount >> WordBits;

    private volatile ulong[] _now = new ulong[Words];
    private volatile ulong[] _before = new ulong[Words];
    private ITimer? _rotation;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _rotation = (time ?? TimeProvider.System).CreateTimer(_ => Rotate(), null, Period, Period);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _rotation?.Dispose();

    /// <summary>Records a request. No lock, no allocation.</summary>
    public void Add(int slot)
    {
        ref var word = ref _now[slot >> WordBits];
        var bit = 1UL << (slot & 63);
        if ((word & bit) == 0)
        {
            Interlocked.Or(ref word, bit);
        }
    }

    /// <summary>Starts a new generation and drops the oldest one.</summary>
    public void Rotate()
    {
        var fresh = _before;
        _before = _now;
        // A concurrent request may set its bit in the array being cleared; the client's next request sets it again.
        Array.Clear(fresh);
        _now = fresh;
    }

    /// <summary>The number of recent slots.</summary>
    public int Count()
    {
        var count = 0;
        for (var word = 0; word < Words; word++)
        {
            count += BitOperations.PopCount(Word(word));
        }

        return count;
    }

    /// <summary>Every <paramref name="step"/>th recent slot, in ascending order.</summary>
    public IEnumerable<int> All(int step = 1)
    {
        var skip = 0;
        for (var word = 0; word < Words; word++)
        {
            for (var bits = Word(word); bits != 0; bits &= bits - 1)
            {
                if (skip-- == 0)
                {
                    skip = step - 1;
                    yield return (word << WordBits) + BitOperations.TrailingZeroCount(bits);
                }
            }
        }
    }

    /// <summary>Estimates the number of clients in that many slots, as clients can share one (linear counting; K. Whang,
    /// B. Vander-Zanden, H. Taylor, 1990).</summary>
    public static long Clients(int slots) => slots >= ClientHash.SlotCount
        ? ClientHash.SlotCount
        : (long)Math.Round(-ClientHash.SlotCount * Math.Log(1 - (slots / (double)ClientHash.SlotCount)));

    private ulong Word(int word) => _now[word] | _before[word];
}
