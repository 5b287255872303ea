using System.IO.Hashing;
using System.Text;

namespace Kiro.Balancer.Selection;

/// <summary>
/// Weighted rendezvous hashing over a fixed set of nodes: each slot ranks all nodes by score, and the highest-ranked one serves it.
/// A score depends only on slot, node and weight, so adding or removing a node moves only that node's clients.
/// <para>
/// D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates" (1998); weights as in C. Schindelhauer,
/// G. Schomaker, "Weighted distributed hash tables" (2005): a node scores -weight / ln(u), u uniform in (0, 1).
/// </para>
/// </summary>
internal sealed class Rendezvous
{
    /// <summary>The number of grades in <see cref="IGrading"/>.</summary>
    public const int Grades = 2;

    private const int None = -1;

    private readonly ulong[] _seeds;
    private readonly WeightGroup[] _groups;
    private readonly SlotTable? _table;

    /// <param name="nodes">In any order; <see cref="First(int)"/> returns indexes into this list.</param>
    /// <param name="seed">The same on every balancer.</param>
    /// <param name="useTable">False for a ranking with only a few lookups, which does not pay for a table.</param>
    /// <param name="before">The ranking being replaced: if only a few nodes changed, its table makes the new one cheap.</param>
    public Rendezvous(IReadOnlyList<Candidate> nodes, ulong seed, bool useTable = true, Rendezvous? before = null)
    {
        Seed = seed;
        Nodes = [.. nodes.Select(node => (node.Id, node.Weight))];
        _seeds = [.. nodes.Select(node => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(node.Id), (long)seed))];
        // Equal scores (1 in 2^52) go to the smaller id, so that the order of the list does not matter.
        _groups = [.. nodes
            .Select((node, index) => (node, index))
            .OrderBy(item => item.node.Id, StringComparer.Ordinal)
            .GroupBy(item => item.node.Weight)
            .Select(group => new WeightGroup(
                group.Key,
                [.. group.Select(item => _seeds[item.index])],
                [.. group.Select(item => item.index)]))];
        _table = useTable && (nodes.Count > SlotTable.MinNodes || _groups.Length > 1)
            ? new SlotTable(this, before is null ? null : RankingChange.Find(before, this))
            : null;
    }

    public IReadOnlyList<(string Id, double Weight)> Nodes { get; }

    public ulong Seed { get; }

    /// <summary>Completes when lookups use the table; the results are the same before that, only slower.</summary>
    public Task Ready => _table?.Filling ?? Task.CompletedTask;

    /// <summary>Whether a lookup is a table read, or a calculation over only a few nodes.</summary>
    public bool IsReady => _table?.IsReady ?? Nodes.Count <= SlotTable.MinNodes;

    /// <summary>The ranking has been replaced: stops filling its table.</summary>
    public void Retire() => _table?.Cancel();

    /// <summary>The index of the highest-ranked node; -1 if there are no nodes.</summary>
    public int First(int slot) => _table is { IsReady: true } table ? table[slot] : First(slot, default(Anyone));

    /// <summary>The highest-ranked of some nodes, always calculated.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="eligible">The eligible nodes, by index; empty for all.</param>
    public int FirstAmong(int slot, ReadOnlySpan<bool> eligible) => First(slot, new Eligible(eligible));

    /// <summary>The highest-ranked node of the best grade found, in one pass over the nodes; -1 if none is eligible.</summary>
    public int First<TGrading>(int slot, TGrading grading) where TGrading : struct, IGrading, allows ref struct
    {
        var slotKey = SlotKey(slot);
        Span<int> best = [None, None];
        Span<double> bestScores = [double.NegativeInfinity, double.NegativeInfinity];
        Span<int> leaders = stackalloc int[Grades];
        Span<ulong> hashes = stackalloc ulong[Grades];
        foreach (var group in _groups)
        {
            group.Lead(slotKey, grading, leaders, hashes);
            if (_groups.Length == 1)
            {
                best = leaders;
                break;
            }

            for (var grade = 0; grade < Grades; grade++)
            {
                if (leaders[grade] != None && Score(hashes[grade], group.Weight) is var score && score > bestScores[grade])
                {
                    (best[grade], bestScores[grade]) = (leaders[grade], score);
                }
            }
        }

        return best[0] != None ? best[0] : best[1];
    }

    /// <summary>Compares two nodes by rank: positive if the first ranks higher, 0 if their scores are equal.</summary>
    public int Compare(int slot, int one, int other)
    {
        var (slotKey, weight, otherWeight) = (SlotKey(slot), Nodes[one].Weight, Nodes[other].Weight);
        var (hash, otherHash) = (Mix(slotKey ^ _seeds[one]), Mix(slotKey ^ _seeds[other]));
        return weight == otherWeight ? hash.CompareTo(otherHash) : Score(hash, weight).CompareTo(Score(otherHash, otherWeight));
    }

    /// <summary>All nodes, highest-ranked first.</summary>
    public int[] Ranking(int slot)
    {
        var slotKey = SlotKey(slot);
        return [.. _groups
            .SelectMany(group => group.Hashes(slotKey).Select(item => (item.Index, item.Hash, Score: Score(item.Hash, group.Weight))))
            .OrderByDescending(item => item.Score)
            .ThenByDescending(item => item.Hash)
            .Select(item => item.Index)];
    }

    /// <summary>A 64-bit bijection with full avalanche: MurmurHash3's finaliser with the constants of D. Stafford's variant 13, as
    /// in SplitMix64.</summary>
    internal static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }

    private static ulong SlotKey(int slot) => Mix((ulong)slot + 0x9E37_79B9_7F4A_7C15);

    // 52 bits and the half fit a double exactly: with 53, the highest hashes would round to u = 1 and score -∞.
    internal static double Score(ulong hash, double weight) => -weight / Math.Log(((hash >> 12) + 0.5) * (1.0 / (1UL << 52)));

    private readonly struct Anyone : IGrading
    {
        public int Of(int index) => 0;
    }

    private readonly ref struct Eligible(ReadOnlySpan<bool> eligible) : IGrading
    {
        private readonly ReadOnlySpan<bool> _eligible = eligible;

        public int Of(int index) => _eligible.IsEmpty || _eligible[index] ? 0 : Grades;
    }
}

/// <summary>Grades the nodes for a request, before rank decides within a grade.</summary>
internal interface IGrading
{
    /// <summary>0 is best; a node with <see cref="Rendezvous.Grades"/> or more is not eligible.</summary>
    int Of(int index);
}

/// <summary>A node as selection sees it.</summary>
/// <param name="Id">The same after a restart and on every balancer.</param>
/// <param name="Weight">Relative to the others, above 0.</param>
/// <param name="IsAvailable">Whether it is up.</param>
/// <param name="BackFor">How long it has been up again since it was last down; null if it never was.</param>
/// <param name="Tenure">Its tenure; none if it keeps no sessions.</param>
internal readonly record struct Candidate(
    string Id, double Weight, bool IsAvailable = true, TimeSpan? BackFor = null, Tenure Tenure = default);

/// <summary>
/// Nodes of equal weight. Among them the highest hash is also the highest score, so the logarithm is taken once per group and not
/// once per node.
/// </summary>
internal sealed class WeightGroup(double weight, ulong[] seeds, int[] indexes)
{
    public double Weight => weight;

    /// <summary>For each grade the node with the highest hash, or -1, and that hash.</summary>
    public void Lead<TGrading>(ulong slotKey, TGrading grading, Span<int> leaders, Span<ulong> hashes)
        where TGrading : struct, IGrading, allows ref struct
    {
        leaders.Fill(-1);
        for (var i = 0; i < seeds.Length; i++)
        {
            var grade = grading.Of(indexes[i]);
            if (grade >= leaders.Length)
            {
                continue;
            }

            var hash = Rendezvous.Mix(slotKey ^ seeds[i]);
            if (hash > hashes[grade] || leaders[grade] < 0)
            {
                (hashes[grade], leaders[grade]) = (hash, indexes[i]);
            }
        }
    }

    /// <summary>The hash of every node, ordered by id.</summary>
    public IEnumerable<(int Index, ulong Hash)> Hashes(ulong slotKey)
    {
        for (var i = 0; i < seeds.Length; i++)
        {
            yield return (indexes[i], Rendezvous.Mix(slotKey ^ seeds[i]));
        }
    }
}

/// <summary>
/// An uninterrupted period in which a node keeps its clients' sessions. A node that goes down or leaves gets a new tenure when it
/// returns, which invalidates all its earlier sessions without visiting them.
/// </summary>
/// <param name="Number">An index in the lower half, and the generation of that index in the upper half.</param>
internal readonly record struct Tenure(uint Number)
{
    private const int IndexBits = 16;

    /// <summary>How many tenures can exist at the same time.</summary>
    public const int MaxIndexes = 1 << IndexBits;

    /// <summary>Of a node that keeps no sessions.</summary>
    public static Tenure None => default;

    /// <summary>Small, and unique among current tenures.</summary>
    public int Index => (int)(Number & (MaxIndexes - 1));

    /// <param name="index">From 0 to <see cref="MaxIndexes"/> - 1.</param>
    /// <param name="generation">From 1: how often the index has been assigned. It wraps around after 65,535 assignments, and a slot
    /// unused since then would be valid again.</param>
    public static Tenure Of(int index, ushort generation) => new(((uint)generation << IndexBits) | (uint)index);
}
