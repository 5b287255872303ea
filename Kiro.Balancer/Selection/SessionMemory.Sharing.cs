namespace Kiro.Balancer.Selection;

/// <summary>How a memory agrees with those of other balancers.</summary>
internal sealed partial class SessionMemory
{
    private volatile SessionClaims? _claims;

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

    private bool IsLater(in HeldSlot told, string node, string holder)
    {
        var mine = _claims?.DateOf(told.Slot) ?? SessionClaims.NoDate;
        return told.Date == mine ? string.CompareOrdinal(node, holder) > 0 : SessionClaims.IsLater(told.Date, mine);
    }

    private int AgeOf(ulong word, uint now) =>
        (int)(((long)Math.Max(0, (int)(now - (uint)word)) << _shift) * HeldSlot.PerSecond / _time.TimestampFrequency);

    private uint TicksOf(int age) => (uint)(((age * _time.TimestampFrequency / HeldSlot.PerSecond) + (1L << _shift) - 1) >> _shift);
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
