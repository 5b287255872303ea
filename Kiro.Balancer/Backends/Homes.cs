using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>Where the clients are, for however many people watch: worked out at most once a second.</summary>
/// <param name="recent">Which slots had requests lately.</param>
/// <param name="time">The clock.</param>
/// <param name="sessions">Who has sessions where; null when sessions do not stay.</param>
internal sealed class Homes(RecentSlots recent, TimeProvider time, SessionMemory? sessions = null)
{
    private const int MaxSlots = 1 << 16;
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    private readonly Lock _counting = new();
    private Selector? _selector;
    private NodeClients[] _clients = [];
    private long _countedAt;

    /// <summary>All recent clients.</summary>
    public long AllClients => RecentSlots.Clients(recent.Count());

    /// <summary>The clients of every node, by place; with no node up, of none.</summary>
    public IReadOnlyList<NodeClients> Of(BackendSnapshot snapshot)
    {
        lock (_counting)
        {
            if (_selector != snapshot.Selector || time.GetElapsedTime(_countedAt) > GoodFor)
            {
                (_selector, _clients, _countedAt) = (snapshot.Selector, Count(snapshot), time.GetTimestamp());
            }

            return _clients;
        }
    }

    private NodeClients[] Count(BackendSnapshot snapshot)
    {
        var seen = recent.Count();
        var step = StepOf(seen);
        var served = new long[snapshot.Backends.Count];
        foreach (var slot in recent.All(step))
        {
            if (snapshot.Selector.Home(slot, sessions?.HolderOf(slot) ?? Tenure.None) is >= 0 and var place)
            {
                served[place] += step;
            }
        }

        var (held, kept) = sessions is null ? (null, null) : CountSessions(snapshot.Selector, sessions, served.Length);
        return [.. served.Select((count, place) => new NodeClients(Clients(count, seen), held?[place], kept?[place]))];
    }

    private static (long[] Held, long[] Kept) CountSessions(Selector selector, SessionMemory sessions, int places)
    {
        var (held, kept) = (new long[places], new long[places]);
        foreach (var (_, holder) in sessions.All())
        {
            // A slot whose node has given it up is nobody's session any more.
            if (selector.PlaceOf(holder) is >= 0 and var place)
            {
                held[place]++;
            }
        }

        var seen = (int)held.Sum();
        var step = StepOf(seen);
        foreach (var (slot, holder) in sessions.All().Where((_, index) => index % step == 0))
        {
            if (selector.PlaceOf(holder) is >= 0 and var place && selector.Home(slot) != place)
            {
                kept[place] += step;
            }
        }

        return (Array.ConvertAll(held, count => Clients(count, seen)), Array.ConvertAll(kept, count => Clients(count, seen)));
    }

    private static int StepOf(int slots) => Math.Max(1, (slots + MaxSlots - 1) / MaxSlots);

    private static long Clients(long slots, int seen) =>
        (long)Math.Round(slots * RecentSlots.Clients(seen) / (double)Math.Max(seen, 1));
}

/// <summary>The clients of a node.</summary>
/// <param name="Recent">How many of the recent ones it serves.</param>
/// <param name="Sessions">How many have a session with it: they were here within <c>SESSION_IDLE</c>. Null when sessions do not stay.</param>
/// <param name="Kept">How many of these only their session keeps here: new ones in their place would go elsewhere.</param>
internal readonly record struct NodeClients(long Recent, long? Sessions, long? Kept);
