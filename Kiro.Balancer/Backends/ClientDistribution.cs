using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>How clients are distributed over the backends; calculated at most once a second.</summary>
/// <param name="recent">The slots with recent requests.</param>
/// <param name="time">The clock.</param>
/// <param name="sessions">Null without session affinity.</param>
internal sealed class ClientDistribution(RecentSlots recent, TimeProvider time, SessionTable? sessions = null)
{
    private const int MaxSlots = 1 << 16;
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly Lock _counting = new();
    private Selector? _selector;
    private NodeClients[] _clients = [];
    private long _countedAt;

    /// <summary>The number of recent clients.</summary>
    public long AllClients => RecentSlots.Clients(recent.Count());

    /// <summary>The clients of each backend, by index; all zero if no backend is up.</summary>
    public IReadOnlyList<NodeClients> Of(BackendSnapshot snapshot)
    {
        lock (_counting)
        {
            if (_selector != snapshot.Selector || time.GetElapsedTime(_countedAt) > MaxAge)
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
            if (snapshot.Selector.Home(slot, sessions?.HolderOf(slot) ?? Tenure.None) is >= 0 and var index)
            {
                served[index] += step;
            }
        }

        var (held, kept) = sessions is null ? (null, null) : CountSessions(snapshot.Selector, sessions, served.Length);
        return [.. served.Select((count, index) => new NodeClients(Clients(count, seen), held?[index], kept?[index]))];
    }

    private static (long[] Held, long[] Kept) CountSessions(Selector selector, SessionTable sessions, int indexes)
    {
        var (held, kept) = (new long[indexes], new long[indexes]);
        foreach (var (_, holder) in sessions.All())
        {
            // Otherwise the tenure of its backend is over.
            if (selector.IndexOf(holder) is >= 0 and var index)
            {
                held[index]++;
            }
        }

        var seen = (int)held.Sum();
        var step = StepOf(seen);
        foreach (var (slot, holder) in sessions.All().Where((_, index) => index % step == 0))
        {
            if (selector.IndexOf(holder) is >= 0 and var index && selector.Home(slot) != index)
            {
                kept[index] += step;
            }
        }

        return (Array.ConvertAll(held, count => Clients(count, seen)), Array.ConvertAll(kept, count => Clients(count, seen)));
    }

    private static int StepOf(int slots) => Math.Max(1, (slots + MaxSlots - 1) / MaxSlots);

    private static long Clients(long slots, int seen) =>
        (long)Math.Round(slots * RecentSlots.Clients(seen) / (double)Math.Max(seen, 1));
}

/// <summary>The clients of a backend.</summary>
/// <param name="Recent">Recent clients that it serves.</param>
/// <param name="Sessions">Clients with a session, used within <c>SESSION_IDLE</c>. Null without session affinity.</param>
/// <param name="Kept">Those of them that would be on another backend without their session.</param>
internal readonly record struct NodeClients(long Recent, long? Sessions, long? Kept);
