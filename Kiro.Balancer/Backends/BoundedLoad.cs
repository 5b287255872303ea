using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>
/// Consistent hashing with bounded loads (V. Mirrokni, M. Thorup, M. Zadimoghaddam, arXiv 1608.01350): no node gets more than
/// factor × its share of the requests under way. What is too much goes to the next node in the client's own ranking, so that
/// it spreads over all others instead of falling onto one neighbour.
/// </summary>
internal sealed class BoundedLoad(Backend[] backends, bool[] available, Rendezvous ranking, SlowStart? slowStart, int percent)
{
    private readonly double _allWeight = backends.Where((_, place) => available[place]).Sum(backend => backend.Endpoint.Weight);

    /// <summary>The highest-ranked available node with room; the first one when none has.</summary>
    public int Fit(int slot, int first)
    {
        var all = 1;
        for (var place = 0; place < backends.Length; place++)
        {
            all += available[place] ? backends[place].Counters.InFlight : 0;
        }

        if (HasRoom(first, all))
        {
            return first;
        }

        var eligible = new bool[backends.Length];
        for (var place = 0; place < eligible.Length; place++)
        {
            eligible[place] = available[place] && slowStart?.HoldsBack(slot, place) != true && HasRoom(place, all);
        }

        var next = ranking.FirstAmong(slot, eligible);
        return next < 0 ? first : next;
    }

    private bool HasRoom(int place, int all) =>
        backends[place].Counters.InFlight < Math.Ceiling(percent / 100.0 * all * backends[place].Endpoint.Weight / _allWeight);
}
