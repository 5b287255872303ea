using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>
/// What balancers need to agree on who holds a slot: when the slot was claimed, that is given to the node that holds it, and
/// which claims and uses the others have not been told. 8 MiB beside a <see cref="SessionMemory"/>.
/// <para>
/// A date is the time of day in units of 1/16 s, modulo 2^32 (eight years), and later than the date of the claim that was known
/// before: a hybrid logical clock (Kulkarni and others, 2014) for each slot. Uses have no part in the order, or two balancers
/// with a busy client each would never agree.
/// </para>
/// </summary>
internal sealed class SessionClaims(TimeProvider time)
{
    /// <summary>Earlier than all others.</summary>
    public const uint NoDate = 0;

    private const long Unit = TimeSpan.TicksPerSecond / HeldSlot.PerSecond;

    private readonly uint[] _dates = new uint[ClientHash.SlotCount];
    private readonly uint[] _known = new uint[ClientHash.SlotCount];
    private readonly SlotSet _claimed = new();

    public static bool IsLater(uint date, uint other) => other == NoDate ? date != NoDate : date != NoDate && (int)(date - other) > 0;

    public uint DateOf(int slot) => Volatile.Read(ref _dates[slot]);

    /// <summary>A request claimed the slot, just now.</summary>
    // Whoever looks in between sees the new holder with the date of the old one, and is told the rest next time.
    public void Claimed(int slot)
    {
        var (now, before) = ((uint)(time.GetUtcNow().UtcTicks / Unit), DateOf(slot));
        Raise(slot, before == NoDate || IsLater(now, before) ? now : before + 1);
        _claimed.Add(slot);
    }

    /// <summary>Another balancer told of the slot.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="date">Of the claim.</param>
    /// <param name="isSame">Whether it told of the node that holds the slot here, too: then the later date is its date.</param>
    /// <param name="used">The tick of its last use, if that is news.</param>
    public void Heard(int slot, uint date, bool isSame, uint? used)
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
            _known[slot] = tick;
        }
    }

    /// <summary>Whether others may not know that a slot was used; they are to be told if so.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="used">The tick of its last use.</param>
    public bool IsUnknown(int slot, uint used)
    {
        var isUnknown = _known[slot] != used;
        _known[slot] = used;
        return isUnknown;
    }

    /// <summary>Another balancer knew the slot better: those that were told what this one had believed have to hear of it.</summary>
    public void Corrected(int slot) => _claimed.Add(slot);

    /// <summary>Moves the slots that were claimed here since the last time.</summary>
    public void TakeClaimed(IReadOnlyCollection<SlotSet> news) => _claimed.MoveTo(news);

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

/// <summary>Some of the slots, a bit for each: 128 KiB. For several threads at once.</summary>
internal sealed class SlotSet
{
    private const int WordBits = 6;

    private readonly ulong[] _words = new ulong[ClientHash.SlotCount >> WordBits];

    /// <summary>How many there are.</summary>
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

    /// <summary>Takes slots out, in ascending order, as long as somebody goes on asking.</summary>
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

    /// <summary>Moves all of them into other sets.</summary>
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

/// <summary>What is known of a slot that is in use.</summary>
/// <param name="Slot">From 0 to 2^20 - 1.</param>
/// <param name="Holder">Whose it is.</param>
/// <param name="Age">How long ago it was last used, in units of 1/<see cref="PerSecond"/> s, rounded down.</param>
/// <param name="Date">When it was claimed; see <see cref="SessionClaims"/>.</param>
internal readonly record struct HeldSlot(int Slot, Tenure Holder, int Age, uint Date)
{
    /// <summary>Units of an age, and of a date, in a second.</summary>
    public const int PerSecond = 16;
}
