using System.Runtime.InteropServices;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Moves;

/// <summary>Finds out who moves between two snapshots by asking both where each slot's clients belong.</summary>
internal sealed class MoveCounter(RecentSlots recent)
{
    /// <summary>Every 16th slot tells a share to a fifth of a percent, and bounds the work.</summary>
    public const int Step = 16;

    private const int MaxRecent = ClientHash.SlotCount / Step;

    /// <param name="before">One snapshot.</param>
    /// <param name="after">A later one, or one that might be.</param>
    /// <param name="settled">Whether to ask as if all clients were home that are on their way.</param>
    /// <param name="holders">Who had sessions where: recent clients whose node can keep them then count as staying. Null: nobody had.</param>
    public MoveReport Count(BackendSnapshot before, BackendSnapshot after, bool settled = false, ISlotHolders? holders = null)
    {
        var (from, to) = settled ? (before.Selector.Settled, after.Selector.Settled) : (before.Selector, after.Selector);
        var places = after.Backends.Select((backend, place) => (backend.Id, place)).ToDictionary(item => item.Id, item => item.place);
        // By place before, the place after; -1 for a node that is gone.
        var still = before.Backends.Select(backend => places.GetValueOrDefault(backend.Id, -1)).ToArray();
        var seen = recent.Count();
        var step = Math.Max(1, (seen + MaxRecent - 1) / MaxRecent);

        var slots = Moving(from, to, still, Every(Step), null);
        var noted = Moving(from, to, still, recent.All(step), holders);
        var clients = RecentSlots.Clients(seen);
        var perSlot = seen == 0 ? 0 : step * clients / (double)seen;
        return new MoveReport(
            [.. slots.Keys.Union(noted.Keys).Select(pair => new Flow(
                pair.From < 0 ? null : before.Backends[pair.From].Id,
                pair.To < 0 ? null : after.Backends[pair.To].Id,
                slots.GetValueOrDefault(pair) * (double)Step / ClientHash.SlotCount,
                (long)Math.Round(noted.GetValueOrDefault(pair) * perSlot)))],
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

    private static IEnumerable<int> Every(int step)
    {
        for (var slot = 0; slot < ClientHash.SlotCount; slot += step)
        {
            yield return slot;
        }
    }
}

/// <summary>Who moves between two snapshots.</summary>
/// <param name="Flows">One for each pair of nodes with clients that move.</param>
/// <param name="RecentClients">All recent clients, whether they move or not.</param>
internal sealed record MoveReport(IReadOnlyList<Flow> Flows, long RecentClients)
{
    /// <summary>Those that leave a node; whoever had none does not move by getting one.</summary>
    public IEnumerable<Flow> Moving => Flows.Where(flow => flow.From is not null);

    /// <summary>The share of all clients that move, as a fraction of 1.</summary>
    public double Share => Moving.Sum(flow => flow.Share);

    /// <summary>How many of the recent clients move.</summary>
    public long Clients => Moving.Sum(flow => flow.Clients);
}

/// <summary>The clients that go from one node to another.</summary>
/// <param name="From">The id of the node that they leave; null when none served them.</param>
/// <param name="To">The id of the node that they come to; null when none is left for them.</param>
/// <param name="Share">Of all clients, as a fraction of 1.</param>
/// <param name="Clients">Of the recent ones, how many.</param>
internal sealed record Flow(string? From, string? To, double Share, long Clients);
