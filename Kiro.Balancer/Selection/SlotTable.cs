using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Selection;

/// <summary>
/// The results of a <see cref="Rendezvous"/> for all slots, written down: 2 MiB that turn the calculation over many
/// nodes into one read. It is filled in the background and only a shortcut: until it is ready, and for a client whose
/// first node is away, the same response is calculated.
/// </summary>
internal sealed class SlotTable
{
    /// <summary>Up to this many nodes of one weight the calculation is fast enough; several weights cost a logarithm each.</summary>
    public const int WorthwhileFrom = 16;

    private const int Piece = 4096;

    private static readonly SemaphoreSlim Turn = new(1);

    private readonly ushort[] _nodes = new ushort[ClientHash.SlotCount];
    private volatile bool _isReady;
    private volatile bool _isGivenUp;

    /// <param name="rendezvous">Whose responses are written down.</param>
    /// <param name="change">From the ranking before, when it is small: then most of them are known.</param>
    public SlotTable(Rendezvous rendezvous, RankingChange? change = null) =>
        Filling = FillAsync(new WeakReference<Rendezvous>(rendezvous), new WeakReference<SlotTable>(this), change);

    public bool IsReady => _isReady;

    /// <summary>Ends when the table is ready or given up.</summary>
    public Task Filling { get; }

    /// <summary>Stops the filling: with many nodes it takes seconds, and with nodes that come and go one would start after another.</summary>
    public void GiveUp() => _isGivenUp = true;

    public int this[int slot] => _nodes[slot];

    // One table at a time: filling them takes a core, which requests need. What nobody holds any more is not filled.
    private static async Task FillAsync(WeakReference<Rendezvous> rendezvous, WeakReference<SlotTable> table, RankingChange? change)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await Turn.WaitAsync();
        try
        {
            for (var slot = 0; slot < ClientHash.SlotCount && TryFill(rendezvous, table, change, slot); slot += Piece)
            {
            }
        }
        finally
        {
            Turn.Release();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryFill(WeakReference<Rendezvous> of, WeakReference<SlotTable> into, RankingChange? change, int start)
    {
        if (!of.TryGetTarget(out var rendezvous) || !into.TryGetTarget(out var table) || table._isGivenUp)
        {
            return false;
        }

        for (var slot = start; slot < start + Piece; slot++)
        {
            table._nodes[slot] = (ushort)(change?.First(slot, rendezvous) ?? rendezvous.FirstAmong(slot, []));
        }

        table._isReady = start + Piece == ClientHash.SlotCount;
        return true;
    }
}

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
