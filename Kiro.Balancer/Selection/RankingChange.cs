namespace Kiro.Balancer.Selection;

/// <summary>
/// The step from one ranking to the next, when few nodes are others: a slot's first node is then the one that it was, or one of
/// those that came, and only the slots of those that left are calculated anew. Of a thousand nodes one more takes a few hundredths of
/// a second for all slots; without this it takes seconds.
/// </summary>
internal sealed class RankingChange
{
    /// <summary>One node in so many may have come, gone or changed its weight.</summary>
    private const int MinNodesPerChange = 4;

    private const int None = -1;

    private readonly Rendezvous _before;
    private readonly int[] _placesNow;
    private readonly int[] _came;

    private RankingChange(Rendezvous before, int[] placesNow, int[] came) => (_before, _placesNow, _came) = (before, placesNow, came);

    /// <returns>Null when too much has changed, or the ranking before is no faster than a calculation.</returns>
    public static RankingChange? Find(Rendezvous before, Rendezvous now)
    {
        if (!before.IsFast || before.Seed != now.Seed)
        {
            return null;
        }

        var came = new Dictionary<(string Id, double Weight), int>();
        for (var place = 0; place < now.Nodes.Count; place++)
        {
            if (!came.TryAdd(now.Nodes[place], place))
            {
                // YARP's destinations may share an address.
                return null;
            }
        }

        var placesNow = before.Nodes.Select(node => came.Remove(node, out var place) ? place : None).ToArray();
        return MinNodesPerChange * (came.Count + placesNow.Count(place => place == None)) <= now.Nodes.Count
            ? new RankingChange(before, placesNow, [.. came.Values])
            : null;
    }

    /// <summary>The place of a slot's highest-ranked node: what <see cref="Rendezvous.FirstAmong"/> of all nodes would say.</summary>
    public int First(int slot, Rendezvous now)
    {
        var first = _placesNow[_before.First(slot)];
        foreach (var place in first == None ? [] : _came)
        {
            var order = now.Compare(slot, place, first);
            if (order == 0)
            {
                // Then the ids decide, among all nodes.
                first = None;
                break;
            }

            first = order > 0 ? place : first;
        }

        return first == None ? now.FirstAmong(slot, []) : first;
    }
}
