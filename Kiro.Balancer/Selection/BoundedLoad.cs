namespace Kiro.Balancer.Selection;

/// <summary>How many requests are under way at each node, by place.</summary>
internal interface ILoads
{
    int InFlight(int place);
}

/// <summary>
/// Consistent hashing with bounded loads (V. Mirrokni, M. Thorup, M. Zadimoghaddam, arXiv 1608.01350): no node gets more than
/// factor × its share of the requests under way. What is too much goes to the next node in the client's own ranking, so that
/// it spreads over all others instead of falling onto one neighbour.
/// </summary>
internal sealed class BoundedLoad(Candidate[] candidates, int percent)
{
    private readonly double _allWeight = candidates.Where(candidate => candidate.IsAvailable).Sum(candidate => candidate.Weight);

    /// <summary>The bound as requests for one unit of weight, with one more request under way than now.</summary>
    public double PerWeight(ILoads loads)
    {
        var all = 1;
        for (var place = 0; place < candidates.Length; place++)
        {
            all += candidates[place].IsAvailable ? loads.InFlight(place) : 0;
        }

        return percent / 100.0 * all / _allWeight;
    }

    /// <summary>Whether one more request stays within the bound.</summary>
    public bool HasRoom(int place, double perWeight, ILoads loads) =>
        loads.InFlight(place) < Math.Ceiling(perWeight * candidates[place].Weight);
}
