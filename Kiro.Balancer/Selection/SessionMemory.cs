using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>Knows who holds a slot.</summary>
internal interface ISlotHolders
{
    /// <summary>The tenure of the node that a slot stays with, if that node still has it; none when nobody used the slot lately.</summary>
    Tenure HolderOf(int slot);
}

/// <summary>
/// Sessions stay: remembers which node served a slot, and keeps the slot there until nobody has used it for
/// <c>SESSION_IDLE</c> or the node gives its sessions up, whatever the ranking says by then. 8 MiB, however many clients there
/// are (<see cref="SlotWords"/>), and nothing about any of them.
/// <para>
/// A slot is one word: the tick of its last use, and the tenure of its node. A request reads the word, and writes it once in a
/// tick. All writes are compare-and-swap: of several requests that find a slot free, one decides for all of them.
/// </para>
/// <para>What it takes to agree with other balancers is in <see cref="SessionClaims"/>.</para>
/// </summary>
internal sealed class SessionMemory : ISlotHolders
{
    private const int TickBits = 32;

    private readonly SlotWords _slots = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly int _shift;
    private readonly int _idleTicks;
    private volatile SessionClaims? _claims;

    /// <param name="idle">How long an unused slot is kept, above zero: at least so long, and at most an eighth of a second longer.</param>
    /// <param name="time">The clock.</param>
    public SessionMemory(TimeSpan idle, TimeProvider time)
    {
        (_time, _start, Idle) = (time, time.GetTimestamp(), idle);
        // A tick is a power of two of the clock's units: a shift and not a division in every request. A session may last two longer.
        _shift = BitOperations.Log2((ulong)Math.Max(1, time.TimestampFrequency / 16));
        _idleTicks = (int)Math.Ceiling(idle.TotalSeconds * time.TimestampFrequency / (1L << _shift));
    }

    /// <summary><c>SESSION_IDLE</c>.</summary>
    public TimeSpan Idle { get; }

    private uint Now => TickAt(null);

    public Tenure HolderOf(int slot)
    {
        var word = Volatile.Read(ref _slots[slot]);
        return IsLive(word, Now) ? Holder(word) : Tenure.None;
    }

    /// <summary>The place of the node for a slot's request. The slot is then held by it; or was, and stays so.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="selector">The nodes as they are.</param>
    /// <param name="loads">Read only when a bound is set. A request that its node has no room for goes to another one, but the
    /// slot stays: the next one has a session to come back to.</param>
    /// <param name="home">The place where the request belongs; another one than the choice when the node has its share.</param>
    /// <param name="at">The clock's timestamp, if the caller has it at hand: reading it takes almost as long as all the rest.</param>
    public int First(int slot, Selector selector, ILoads loads, out int home, long? at = null)
    {
        var now = TickAt(at);
        ref var word = ref _slots[slot];
        var seen = Volatile.Read(ref word);
        while (true)
        {
            if (Place(seen, now, selector) is >= 0 and var place)
            {
                if ((uint)seen != now)
                {
                    // When it fails, somebody else has used the slot just now, or claimed it from a node that has just gone.
                    Interlocked.CompareExchange(ref word, Word(now, Holder(seen)), seen);
                }

                home = place;
                return selector.Bounded(slot, place, loads);
            }

            place = selector.First(slot, loads, out home);
            if (TryClaim(slot, ref seen, now, selector, place))
            {
                return place;
            }
        }
    }

    /// <summary>The place of the next node after those that a request has tried; -1 when none is left. When the slot is nobody's
    /// any more, that node holds it from now on.</summary>
    public int Next(int slot, Selector selector, ReadOnlySpan<int> tried)
    {
        var now = Now;
        ref var word = ref _slots[slot];
        var seen = Volatile.Read(ref word);
        while (true)
        {
            var holder = Place(seen, now, selector);
            if (holder >= 0 && !tried.Contains(holder))
            {
                return holder;
            }

            var place = selector.Next(slot, tried);
            if (holder >= 0 || place < 0 || TryClaim(slot, ref seen, now, selector, place))
            {
                return place;
            }
        }
    }

    /// <summary>Something of the slot's clients goes on at a node, or has ended just now: the slot counts as used, and is the node's
    /// if nobody else has used it lately.</summary>
    /// <param name="slot">The clients' slot.</param>
    /// <param name="tenure">The node's; none when it keeps no sessions.</param>
    /// <param name="at">The clock's timestamp, if the caller has it at hand.</param>
    public void Use(int slot, Tenure tenure, long? at = null)
    {
        var now = TickAt(at);
        ref var word = ref _slots[slot];
        var seen = Volatile.Read(ref word);
        if (tenure != Tenure.None && (Holder(seen) == tenure || !IsLive(seen, now)) && seen != Word(now, tenure)
            && Interlocked.CompareExchange(ref word, Word(now, tenure), seen) == seen && !(Holder(seen) == tenure && IsLive(seen, now)))
        {
            _claims?.Claimed(slot);
        }
    }

    /// <summary>Takes over what is known of every slot at this moment.</summary>
    public void CopyTo(HeldSlots copy)
    {
        var now = Now;
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            var word = Volatile.Read(ref _slots[slot]);
            copy[slot] = IsLive(word, now) ? Holder(word) : Tenure.None;
        }
    }

    /// <summary>All slots that were used lately, in ascending order, with who holds them, if it still does.</summary>
    public IEnumerable<(int Slot, Tenure Holder)> All()
    {
        var now = Now;
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            var word = Volatile.Read(ref _slots[slot]);
            if (IsLive(word, now))
            {
                yield return (slot, Holder(word));
            }
        }
    }

    /// <summary>From now on there is somebody to agree with.</summary>
    public SessionClaims Share()
    {
        if (_claims is { } shared)
        {
            return shared;
        }

        var claims = new SessionClaims(_time);
        return Interlocked.CompareExchange(ref _claims, claims, null) ?? claims;
    }

    /// <summary>What there is to tell of a slot; null when nobody used it lately.</summary>
    public HeldSlot? Of(int slot)
    {
        var now = Now;
        var word = Volatile.Read(ref _slots[slot]);
        return IsLive(word, now) ? new HeldSlot(slot, Holder(word), AgeOf(word, now), _claims?.DateOf(slot) ?? SessionClaims.NoDate) : null;
    }

    /// <summary>Another balancer tells who holds a slot. Of two that differ the later claim wins, and of two at the same time the
    /// one for the node whose id is greater: every balancer finds the same.</summary>
    /// <param name="told">Its holder has the tenure that this balancer gave it, or will give it once it keeps sessions.</param>
    /// <param name="node">The holder's id.</param>
    /// <param name="selector">The nodes as they are.</param>
    /// <returns>Whether it is in force here now; if not, this balancer has something to tell.</returns>
    public bool Hear(in HeldSlot told, string node, Selector selector)
    {
        var now = Now;
        var used = now - TicksOf(told.Age);
        if (!IsLive(Word(used, told.Holder), now))
        {
            return false;
        }

        ref var word = ref _slots[told.Slot];
        while (true)
        {
            var seen = Volatile.Read(ref word);
            var isSame = Holder(seen) == told.Holder && IsLive(seen, now);
            if (!isSame && Place(seen, now, selector) is >= 0 and var place && !IsLater(told, node, selector.Ranking.Nodes[place].Id))
            {
                return false;
            }

            var isNews = !isSame || (int)(used - (uint)seen) > 0;
            if (!isNews || Interlocked.CompareExchange(ref word, Word(used, told.Holder), seen) == seen)
            {
                _claims?.Heard(told.Slot, told.Date, isSame, isNews ? used : null);
                return true;
            }
        }
    }

    /// <summary>Collects what other balancers have not been told: the slots that were claimed, and those of a range that were used.</summary>
    /// <param name="first">Where the range begins.</param>
    /// <param name="end">Behind its last slot.</param>
    /// <param name="news">Each gets the slots.</param>
    public void Collect(int first, int end, IReadOnlyCollection<SlotSet> news)
    {
        var (claims, now) = (Share(), Now);
        claims.TakeClaimed(news);
        for (var slot = first; slot < end; slot++)
        {
            var word = Volatile.Read(ref _slots[slot]);
            if (IsLive(word, now) && claims.IsUnknown(slot, (uint)word))
            {
                foreach (var one in news)
                {
                    one.Add(slot);
                }
            }
        }
    }

    private uint TickAt(long? timestamp) => (uint)(((timestamp ?? _time.GetTimestamp()) - _start) >> _shift);

    private static ulong Word(uint tick, Tenure holder) => ((ulong)holder.Number << TickBits) | tick;

    private static Tenure Holder(ulong word) => new((uint)(word >> TickBits));

    // Another request may have looked at the clock a moment later: then the difference is below zero.
    private bool IsLive(ulong word, uint now) => word != 0 && (int)(now - (uint)word) <= _idleTicks;

    private int Place(ulong word, uint now, Selector selector) => IsLive(word, now) ? selector.PlaceOf(Holder(word)) : -1;

    /// <returns>False when somebody was faster: <paramref name="seen"/> is then what they wrote.</returns>
    private bool TryClaim(int slot, ref ulong seen, uint now, Selector selector, int place)
    {
        var tenure = place < 0 ? Tenure.None : selector.TenureOf(place);
        if (tenure == Tenure.None)
        {
            // As the last resort a node that keeps no sessions gets the request, but not the slot.
            return true;
        }

        var found = Interlocked.CompareExchange(ref _slots[slot], Word(now, tenure), seen);
        (var isOurs, seen) = (found == seen, found);
        if (isOurs)
        {
            _claims?.Claimed(slot);
        }

        return isOurs;
    }

    private bool IsLater(in HeldSlot told, string node, string holder)
    {
        var mine = _claims?.DateOf(told.Slot) ?? SessionClaims.NoDate;
        return told.Date == mine ? string.CompareOrdinal(node, holder) > 0 : SessionClaims.IsLater(told.Date, mine);
    }

    private int AgeOf(ulong word, uint now) =>
        (int)(((long)Math.Max(0, (int)(now - (uint)word)) << _shift) * HeldSlot.PerSecond / _time.TimestampFrequency);

    private uint TicksOf(int age) => (uint)(((age * _time.TimestampFrequency / HeldSlot.PerSecond) + (1L << _shift) - 1) >> _shift);
}

/// <summary>Who held each slot at one moment. 4 MiB.</summary>
internal sealed class HeldSlots : ISlotHolders
{
    private readonly uint[] _holders = new uint[ClientHash.SlotCount];

    public Tenure this[int slot]
    {
        set => _holders[slot] = value.Number;
    }

    public Tenure HolderOf(int slot) => new(_holders[slot]);
}
