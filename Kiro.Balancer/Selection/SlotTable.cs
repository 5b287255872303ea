using System.Runtime.CompilerServices;

namespace Kiro.Balancer.Selection;

/// <summary>
/// The highest-ranked node of every slot, precomputed: 2 MiB that replace a calculation over many nodes by one read. Filled in the
/// background; until it is ready, and when a slot's first node is unavailable, <see cref="Rendezvous"/> calculates the same result.
/// </summary>
internal sealed class SlotTable
{
    /// <summary>Up to this many nodes of equal weight, calculating is fast enough; each further weight costs a logarithm.</summary>
    public const int MinNodes = 16;

    private const int BatchSize = 4096;

    // Filling a table takes a core, which requests need: one at a time.
    private static readonly SemaphoreSlim FillLock = new(1);

    private readonly ushort[] _nodes = new ushort[ClientHash.SlotCount];
    private volatile bool _isReady;
    private volatile bool _isCancelled;

    /// <param name="rendezvous">The ranking.</param>
    /// <param name="change">The difference from the previous ranking, if it is small: most results are then known.</param>
    public SlotTable(Rendezvous rendezvous, RankingChange? change = null) =>
        Filling = FillAsync(new WeakReference<Rendezvous>(rendezvous), new WeakReference<SlotTable>(this), change);

    public bool IsReady => _isReady;

    /// <summary>Completes when the table is ready or cancelled.</summary>
    public Task Filling { get; }

    /// <summary>Stops filling, which takes seconds with many nodes and would pile up when they come and go.</summary>
    public void Cancel() => _isCancelled = true;

    public int this[int slot] => _nodes[slot];

    // Weak references, so that a table no longer in use is not filled.
    private static async Task FillAsync(WeakReference<Rendezvous> rendezvous, WeakReference<SlotTable> table, RankingChange? change)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await FillLock.WaitAsync();
        try
        {
            for (var slot = 0; slot < ClientHash.SlotCount && TryFill(rendezvous, table, change, slot); slot += BatchSize)
            {
            }
        }
        finally
        {
            FillLock.Release();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryFill(WeakReference<Rendezvous> of, WeakReference<SlotTable> into, RankingChange? change, int start)
    {
        if (!of.TryGetTarget(out var rendezvous) || !into.TryGetTarget(out var table) || table._isCancelled)
        {
            return false;
        }

        for (var slot = start; slot < start + BatchSize; slot++)
        {
            table._nodes[slot] = (ushort)(change?.First(slot, rendezvous) ?? rendezvous.FirstAmong(slot, []));
        }

        table._isReady = start + BatchSize == ClientHash.SlotCount;
        return true;
    }
}

/// <summary>
/// The difference between two rankings, if it is small: a slot's first node is then the previous one or one of those added, and only
/// the slots of removed nodes are recalculated. Adding one node to a thousand takes a few hundredths of a second instead of seconds.
/// </summary>
internal sealed class RankingChange
{
    /// <summary>At most one node in four may have been added, removed or given another weight.</summary>
    private const int MinNodesPerChange = 4;

    private const int None = -1;

    private readonly Rendezvous _before;
    private readonly int[] _newIndexes;
    private readonly int[] _added;

    private RankingChange(Rendezvous before, int[] newIndexes, int[] added) => (_before, _newIndexes, _added) = (before, newIndexes, added);

    /// <returns>Null if too much has changed, or the previous ranking has no table to read.</returns>
    public static RankingChange? Find(Rendezvous before, Rendezvous now)
    {
        if (!before.IsReady || before.Seed != now.Seed)
        {
            return null;
        }

        var added = new Dictionary<(string Id, double Weight), int>();
        for (var index = 0; index < now.Nodes.Count; index++)
        {
            if (!added.TryAdd(now.Nodes[index], index))
            {
                // YARP destinations can share an address.
                return null;
            }
        }

        var newIndexes = before.Nodes.Select(node => added.Remove(node, out var index) ? index : None).ToArray();
        return MinNodesPerChange * (added.Count + newIndexes.Count(index => index == None)) <= now.Nodes.Count
            ? new RankingChange(before, newIndexes, [.. added.Values])
            : null;
    }

    /// <summary>A slot's highest-ranked node: the same result as <see cref="Rendezvous.FirstAmong"/> over all nodes.</summary>
    public int First(int slot, Rendezvous now)
    {
        var first = _newIndexes[_before.First(slot)];
        foreach (var index in first == None ? [] : _added)
        {
            var order = now.Compare(slot, index, first);
            if (order == 0)
            {
                // A tie, which the ids break.
                first = None;
                break;
            }

            first = order > 0 ? index : first;
        }

        return first == None ? now.FirstAmong(slot, []) : first;
    }
}
