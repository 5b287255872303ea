using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>How many recent clients each node has, for however many people watch: worked out at most once a second.</summary>
internal sealed class Homes(RecentSlots recent, TimeProvider time)
{
    private const int MaxSlots = 1 << 16;
    private static readonly TimeSpan GoodFor = TimeSpan.FromSeconds(1);

    private readonly Lock _counting = new();
    private Selector? _selector;
    private long[] _clients = [];
    private long _countedAt;

    /// <summary>All recent clients.</summary>
    public long AllClients => RecentSlots.Clients(recent.Count());

    /// <summary>The recent clients of every node, by place; with no node up, of none.</summary>
    public IReadOnlyList<long> Of(BackendSnapshot snapshot)
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

    private long[] Count(BackendSnapshot snapshot)
    {
        var seen = recent.Count();
        var step = Math.Max(1, (seen + MaxSlots - 1) / MaxSlots);
        var slots = new long[snapshot.Backends.Count];
        foreach (var slot in recent.All(step))
        {
            if (snapshot.Selector.Home(slot) is >= 0 and var place)
            {
                slots[place]++;
            }
        }

        return Array.ConvertAll(slots, count => (long)Math.Round(count * step * RecentSlots.Clients(seen) / (double)Math.Max(seen, 1)));
    }
}
