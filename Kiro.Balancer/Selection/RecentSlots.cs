using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>
/// Which slots had requests lately. Two generations of one bit a slot: a slot counts for at least one period and at
/// most two after its last request. A request reads one word, and writes only the first time in a period.
/// </summary>
internal sealed class RecentSlots(TimeProvider? time = null) : IHostedService, IDisposable
{
    /// <summary>How long a generation lasts.</summary>
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

    /// <summary>A request came from this slot. No lock, no allocation.</summary>
    public void Note(int slot)
    {
        ref var word = ref _now[slot >> WordBits];
        var bit = 1UL << (slot & 63);
        if ((word & bit) == 0)
        {
            Interlocked.Or(ref word, bit);
        }
    }

    /// <summary>Begins a generation; the one before last is forgotten.</summary>
    public void Rotate()
    {
        var fresh = _before;
        _before = _now;
        // A request that comes between is noted in a generation that is about to be cleared, and again with its next one.
        Array.Clear(fresh);
        _now = fresh;
    }

    /// <summary>How many slots there are.</summary>
    public int Count()
    {
        var count = 0;
        for (var word = 0; word < Words; word++)
        {
            count += BitOperations.PopCount(Word(word));
        }

        return count;
    }

    /// <summary>Every <paramref name="step"/>th of them, in ascending order.</summary>
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

    /// <summary>How many clients so many slots stand for: two clients may share one (linear counting; K. Whang,
    /// B. Vander-Zanden, H. Taylor, 1990).</summary>
    public static long Clients(int slots) => slots >= ClientHash.SlotCount
        ? ClientHash.SlotCount
        : (long)Math.Round(-ClientHash.SlotCount * Math.Log(1 - (slots / (double)ClientHash.SlotCount)));

    private ulong Word(int word) => _now[word] | _before[word];
}
