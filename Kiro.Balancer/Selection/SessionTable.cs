using System.Numerics;

namespace Kiro.Balancer.Selection;

/// <summary>The backends that slots have sessions with.</summary>
internal interface ISlotHolders
{
    /// <summary>The tenure of the slot's backend, which may be over; none if the slot has no session.</summary>
    Tenure HolderOf(int slot);
}

/// <summary>
/// Session affinity: remembers which backend served a slot, and keeps the slot there, whatever the ranking, until it has been idle for
/// <c>SESSION_IDLE</c> or the backend's tenure ends. 8 MiB for any number of clients (<see cref="SlotWords"/>), and nothing about
/// any single one.
/// <para>
/// A slot is one word: the tick of its last use, and the tenure of its backend. A request reads the word, and writes it once per
/// tick. All writes are compare-and-swap: of several requests that find a slot free, one decides for all.
/// </para>
/// <para><see cref="SessionClaims"/> has what it takes to agree with other balancers.</para>
/// </summary>
internal sealed class SessionTable : ISlotHolders
{
    private const int TickBits = 32;

    private readonly SlotWords _slots = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly int _shift;
    private readonly int _idleTicks;
    private volatile SessionClaims? _claims;

    /// <param name="idle">The idle timeout, above zero. Sessions last up to an eighth of a second longer.</param>
    /// <param name="time">The clock.</param>
    public SessionTable(TimeSpan idle, TimeProvider time)
    {
        (_time, _start, Idle) = (time, time.GetTimestamp(), idle);
        // A tick is a power of two clock units, so that a request shifts instead of dividing.
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

    /// <summary>The backend for a request, which holds the slot from now on.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="selector">The current backends.</param>
    /// <param name="loads">Read only when a bound is set. A request over the bound goes to another backend, but the slot is not
    /// moved: the session is still there for the next one.</param>
    /// <param name="home">The backend of the session; differs from the choice when that one is over the bound.</param>
    /// <param name="at">The current timestamp, if the caller has it: reading the clock takes almost as long as everything else.</param>
    public int First(int slot, Selector selector, ILoads loads, out int home, long? at = null)
    {
        var now = TickAt(at);
        ref var word = ref _slots[slot];
        var seen = Volatile.Read(ref word);
        while (true)
        {
            if (Index(seen, now, selector) is >= 0 and var index)
            {
                if ((uint)seen != now)
                {
                    // If this fails, another request has just used the slot, or claimed it.
                    Interlocked.CompareExchange(ref word, Word(now, Holder(seen)), seen);
                }

                home = index;
                return selector.WithinBound(slot, index, loads);
            }

            index = selector.First(slot, loads, out home);
            if (TryClaim(slot, ref seen, now, selector, index))
            {
                return index;
            }
        }
    }

    /// <summary>The next backend for a request after those it has tried; -1 if none is left. It takes over the slot if the holder is
    /// gone.</summary>
    public int Next(int slot, Selector selector, ReadOnlySpan<int> tried)
    {
        var now = Now;
        ref var word = ref _slots[slot];
        var seen = Volatile.Read(ref word);
        while (true)
        {
            var holder = Index(seen, now, selector);
            if (holder >= 0 && !tried.Contains(holder))
            {
                return holder;
            }

            var index = selector.Next(slot, tried);
            if (holder >= 0 || index < 0 || TryClaim(slot, ref seen, now, selector, index))
            {
                return index;
            }
        }
    }

    /// <summary>A request or stream of the slot is in progress at a backend, or has just ended: renews the session, or claims the
    /// slot for the backend if it is free.</summary>
    /// <param name="slot">The clients' slot.</param>
    /// <param name="tenure">Of the backend; none if it keeps no sessions.</param>
    /// <param name="at">The current timestamp, if the caller has it.</param>
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

    /// <summary>Copies the current holder of every slot.</summary>
    public void CopyTo(HeldSlots copy)
    {
        var now = Now;
        for (var slot = 0; slot < ClientHash.SlotCount; slot++)
        {
            var word = Volatile.Read(ref _slots[slot]);
            copy[slot] = IsLive(word, now) ? Holder(word) : Tenure.None;
        }
    }

    /// <summary>All slots with a session, in ascending order, and their holders, whose tenure may be over.</summary>
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

    /// <summary>Starts tracking claims, for peers to agree on.</summary>
    public SessionClaims Share()
    {
        if (_claims is { } shared)
        {
            return shared;
        }

        var claims = new SessionClaims(_time);
        return Interlocked.CompareExchange(ref _claims, claims, null) ?? claims;
    }

    /// <summary>A slot as sent to peers; null if it has no session.</summary>
    public HeldSlot? Of(int slot)
    {
        var now = Now;
        var word = Volatile.Read(ref _slots[slot]);
        return IsLive(word, now) ? new HeldSlot(slot, Holder(word), AgeOf(word, now), _claims?.DateOf(slot) ?? SessionClaims.NoDate) : null;
    }

    /// <summary>Merges a slot received from another balancer. On conflict the later claim wins, and of simultaneous ones the backend
    /// with the greater id: all balancers reach the same result.</summary>
    /// <param name="remote">Its holder is the tenure that this balancer has assigned to the backend, or will when it keeps sessions.</param>
    /// <param name="node">The backend's id.</param>
    /// <param name="selector">The current backends.</param>
    /// <returns>False if the claim here wins: the sender then needs an update.</returns>
    public bool Merge(in HeldSlot remote, string node, Selector selector)
    {
        var now = Now;
        var used = now - TicksOf(remote.Age);
        if (!IsLive(Word(used, remote.Holder), now))
        {
            return false;
        }

        ref var word = ref _slots[remote.Slot];
        while (true)
        {
            var seen = Volatile.Read(ref word);
            var isSame = Holder(seen) == remote.Holder && IsLive(seen, now);
            if (!isSame && Index(seen, now, selector) is >= 0 and var index && !IsLater(remote, node, selector.Ranking.Nodes[index].Id))
            {
                return false;
            }

            var isNews = !isSame || (int)(used - (uint)seen) > 0;
            if (!isNews || Interlocked.CompareExchange(ref word, Word(used, remote.Holder), seen) == seen)
            {
                _claims?.Merged(remote.Slot, remote.Date, isSame, isNews ? used : null);
                return true;
            }
        }
    }

    /// <summary>Collects what has to be sent to peers: all claimed slots, and those of a range that were used.</summary>
    /// <param name="first">The start of the range.</param>
    /// <param name="end">Its end, exclusive.</param>
    /// <param name="news">The sets to add the slots to.</param>
    public void Collect(int first, int end, IReadOnlyCollection<SlotSet> news)
    {
        var (claims, now) = (Share(), Now);
        claims.TakeClaimed(news);
        for (var slot = first; slot < end; slot++)
        {
            var word = Volatile.Read(ref _slots[slot]);
            if (IsLive(word, now) && claims.TakeUse(slot, (uint)word))
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

    // Negative if another request read the clock later.
    private bool IsLive(ulong word, uint now) => word != 0 && (int)(now - (uint)word) <= _idleTicks;

    private int Index(ulong word, uint now, Selector selector) => IsLive(word, now) ? selector.IndexOf(Holder(word)) : -1;

    /// <returns>False if another request was faster: <paramref name="seen"/> is then its word.</returns>
    private bool TryClaim(int slot, ref ulong seen, uint now, Selector selector, int index)
    {
        var tenure = index < 0 ? Tenure.None : selector.TenureOf(index);
        if (tenure == Tenure.None)
        {
            // A backend that keeps no sessions is the last resort: it gets the request, but not the slot.
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

    private bool IsLater(in HeldSlot remote, string node, string holder)
    {
        var mine = _claims?.DateOf(remote.Slot) ?? SessionClaims.NoDate;
        return remote.Date == mine ? string.CompareOrdinal(node, holder) > 0 : SessionClaims.IsLater(remote.Date, mine);
    }

    private int AgeOf(ulong word, uint now) =>
        (int)(((long)Math.Max(0, (int)(now - (uint)word)) << _shift) * HeldSlot.PerSecond / _time.TimestampFrequency);

    private uint TicksOf(int age) => (uint)(((age * _time.TimestampFrequency / HeldSlot.PerSecond) + (1L << _shift) - 1) >> _shift);
}

/// <summary>The holders of all slots at one point in time. 4 MiB.</summary>
internal sealed class HeldSlots : ISlotHolders
{
    private readonly uint[] _holders = new uint[ClientHash.SlotCount];

    public Tenure this[int slot]
    {
        set => _holders[slot] = value.Number;
    }

    public Tenure HolderOf(int slot) => new(_holders[slot]);
}
