using System.Runtime.InteropServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Counts which clients move between two snapshots by comparing the backend of each slot.</summary>
internal sealed class MoveCounter(RecentSlots recent)
{
    /// <summary>Sampling every 16th slot bounds the work, and is accurate to a fifth of a percent.</summary>
    public const int Step = 16;

    private const int MaxRecent = ClientHash.SlotCount / Step;

    /// <param name="before">The first snapshot.</param>
    /// <param name="after">A later or hypothetical one.</param>
    /// <param name="settled">Whether to assume that slow starts are complete.</param>
    /// <param name="holders">The sessions: recent clients whose backend can keep them count as staying. Null without sessions.</param>
    public MoveReport Count(BackendSnapshot before, BackendSnapshot after, bool settled = false, ISlotHolders? holders = null)
    {
        var (from, to) = settled ? (before.Selector.AfterSlowStart, after.Selector.AfterSlowStart) : (before.Selector, after.Selector);
        var indexes = after.Backends.Select((backend, index) => (backend.Id, index)).ToDictionary(item => item.Id, item => item.index);
        // Index after by index before; -1 for a removed backend.
        var still = before.Backends.Select(backend => indexes.GetValueOrDefault(backend.Id, -1)).ToArray();
        var seen = recent.Count();
        var step = Math.Max(1, (seen + MaxRecent - 1) / MaxRecent);

        var slots = Moving(from, to, still, Sample(Step), null);
        var recentSlots = Moving(from, to, still, recent.All(step), holders);
        var clients = RecentSlots.Clients(seen);
        var perSlot = seen == 0 ? 0 : step * clients / (double)seen;
        return new MoveReport(
            [.. slots.Keys.Union(recentSlots.Keys).Select(pair => new Flow(
                pair.From < 0 ? null : before.Backends[pair.From].Id,
                pair.To < 0 ? null : after.Backends[pair.To].Id,
                slots.GetValueOrDefault(pair) * (double)Step / ClientHash.SlotCount,
                (long)Math.Round(recentSlots.GetValueOrDefault(pair) * perSlot)))],
            clients);
    }

    private static Dictionary<(int From, int To), int> Moving(
        Selector before, Selector after, int[] still, IEnumerable<int> slots, ISlotHolders? holders)
    {
        var counts = new Dictionary<(int, int), int>();
        foreach (var slot in slots)
        {
            var holder = holders?.HolderOf(slot) ?? Tenure.None;
            var from = before.Home(slot, holder);
            var to = after.Home(slot, holder);
            if (from < 0 ? to >= 0 : to < 0 || still[from] != to)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, (from, to), out _)++;
            }
        }

        return counts;
    }

    private static IEnumerable<int> Sample(int step)
    {
        for (var slot = 0; slot < ClientHash.SlotCount; slot += step)
        {
            yield return slot;
        }
    }
}

/// <summary>Which clients move between two snapshots.</summary>
/// <param name="Flows">One for each pair of backends between which clients move.</param>
/// <param name="RecentClients">All recent clients, moving or not.</param>
internal sealed record MoveReport(IReadOnlyList<Flow> Flows, long RecentClients)
{
    /// <summary>Flows that leave a backend. A client that had none before does not move.</summary>
    public IEnumerable<Flow> Moving => Flows.Where(flow => flow.From is not null);

    /// <summary>The share of all clients that move, 0 to 1.</summary>
    public double Share => Moving.Sum(flow => flow.Share);

    /// <summary>The number of recent clients that move.</summary>
    public long Clients => Moving.Sum(flow => flow.Clients);
}

/// <summary>The clients that move from one backend to another.</summary>
/// <param name="From">The id of the backend that they leave; null if none served them.</param>
/// <param name="To">The id of the backend that they move to; null if none is left.</param>
/// <param name="Share">Their share of all clients, 0 to 1.</param>
/// <param name="Clients">The number of recent clients among them.</param>
internal sealed record Flow(string? From, string? To, double Share, long Clients);
