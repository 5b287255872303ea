using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>
/// What balancers need to agree on the holder of a slot: when the slot was claimed for it, and which claims and uses have not been
/// sent to the peers yet. 8 MiB, next to a <see cref="SessionTable"/>.
/// <para>
/// A date is wall-clock time in units of 1/16 s, modulo 2^32 (eight years), and later than the previous known claim: a hybrid
/// logical clock (Kulkarni et al., 2014) per slot. Uses do not affect the order, or two balancers with a busy client each would never
/// agree.
/// </para>
/// </summary>
internal sealed class SessionClaims(TimeProvider time)
{
    /// <summary>Earlier than any other.</summary>
    public const uint NoDate = 0;

    private const long Unit = TimeSpan.TicksPerSecond / HeldSlot.PerSecond;

    private readonly uint[] _dates = new uint[ClientHash.SlotCount];
    private readonly uint[] _sentUses = new uint[ClientHash.SlotCount];
    private readonly SlotSet _claimed = new();

    public static bool IsLater(uint date, uint other) => other == NoDate ? date != NoDate : date != NoDate && (int)(date - other) > 0;

    public uint DateOf(int slot) => Volatile.Read(ref _dates[slot]);

    /// <summary>A request has just claimed the slot.</summary>
    // A concurrent reader sees the new holder with the old date, and sends the new date next time.
    public void Claimed(int slot)
    {
        var (now, before) = ((uint)(time.GetUtcNow().UtcTicks / Unit), DateOf(slot));
        Raise(slot, before == NoDate || IsLater(now, before) ? now : before + 1);
        _claimed.Add(slot);
    }

    /// <summary>A claim from another balancer has been merged.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="date">When it was claimed.</param>
    /// <param name="isSame">Whether the holder is the same here: the later date is then kept.</param>
    /// <param name="used">The tick of the last use, if it is later than the one known here.</param>
    public void Merged(int slot, uint date, bool isSame, uint? used)
    {
        if (isSame)
        {
            Raise(slot, date);
        }
        else
        {
            Volatile.Write(ref _dates[slot], date);
        }

        if (used is { } tick)
        {
            _sentUses[slot] = tick;
        }
    }

    /// <summary>Whether the last use of a slot still has to be sent to the peers; marks it as sent.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="used">The tick of its last use.</param>
    public bool TakeUse(int slot, uint used)
    {
        var isNew = _sentUses[slot] != used;
        _sentUses[slot] = used;
        return isNew;
    }

    /// <summary>Another balancer had a later claim: the peers that were sent the old one need an update.</summary>
    public void Corrected(int slot) => _claimed.Add(slot);

    /// <summary>Moves the slots claimed since the last call.</summary>
    public void TakeClaimed(IReadOnlyCollection<SlotSet> targets) => _claimed.MoveTo(targets);

    private void Raise(int slot, uint date)
    {
        ref var kept = ref _dates[slot];
        for (var before = Volatile.Read(ref kept); IsLater(date, before);)
        {
            var found = Interlocked.CompareExchange(ref kept, date, before);
            if (found == before)
            {
                return;
            }

            before = found;
        }
    }
}

/// <summary>A thread-safe set of slots, one bit each: 128 KiB.</summary>
internal sealed class SlotSet
{
    private const int WordBits = 6;

    private readonly ulong[] _words = new ulong[ClientHash.SlotCount >> WordBits];

    public int Count
    {
        get
        {
            var count = 0;
            foreach (var word in _words)
            {
                count += BitOperations.PopCount(word);
            }

            return count;
        }
    }

    public void Add(int slot) => Interlocked.Or(ref _words[slot >> WordBits], 1UL << (slot & 63));

    /// <summary>Removes slots in ascending order, as they are enumerated.</summary>
    public IEnumerable<int> Take()
    {
        for (var word = 0; word < _words.Length; word++)
        {
            while (Volatile.Read(ref _words[word]) is not 0 and var bits)
            {
                var bit = bits & (~bits + 1);
                Interlocked.And(ref _words[word], ~bit);
                yield return (word << WordBits) + BitOperations.TrailingZeroCount(bit);
            }
        }
    }

    /// <summary>Moves all slots into each of the other sets.</summary>
    public void MoveTo(IReadOnlyCollection<SlotSet> others)
    {
        for (var word = 0; word < _words.Length; word++)
        {
            if (Volatile.Read(ref _words[word]) != 0 && Interlocked.Exchange(ref _words[word], 0) is not 0 and var bits)
            {
                foreach (var other in others)
                {
                    Interlocked.Or(ref other._words[word], bits);
                }
            }
        }
    }
}

/// <summary>A slot with sessions.</summary>
/// <param name="Slot">From 0 to 2^20 - 1.</param>
/// <param name="Holder">The backend that serves them.</param>
/// <param name="Age">Time since the last use, in units of 1/<see cref="PerSecond"/> s, rounded down.</param>
/// <param name="Date">When it was claimed; see <see cref="SessionClaims"/>.</param>
internal readonly record struct HeldSlot(int Slot, Tenure Holder, int Age, uint Date)
{
    /// <summary>Units per second, of ages and dates.</summary>
    public const int PerSecond = 16;
}
