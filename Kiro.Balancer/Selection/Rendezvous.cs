using System.IO.Hashing;
using System.Text;

namespace Kiro.Balancer.Selection;

/// <summary>
/// Weighted rendezvous hashing over a fixed set of nodes: every slot ranks every node by a score of its own, and the
/// highest-ranked node serves it. A node's score depends on nothing but slot, node and weight, so a node that leaves
/// or comes moves only its own clients.
/// <para>
/// D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates" (1998); the weights after C. Schindelhauer,
/// G. Schomaker, "Weighted distributed hash tables" (2005): a node scores -weight / ln(u), u uniform in (0, 1).
/// </para>
/// </summary>
internal sealed class Rendezvous
{
    /// <summary>How many grades <see cref="IGrading"/> knows.</summary>
    public const int Grades = 2;

    private const int None = -1;

    private readonly ulong[] _seeds;
    private readonly WeightGroup[] _groups;
    private readonly SlotTable? _table;

    /// <param name="nodes">In any order; their places in this list are what <see cref="First"/> returns.</param>
    /// <param name="seed">The same on every balancer.</param>
    /// <param name="isKept">False for a ranking that only a few questions are put to: it gets no table.</param>
    /// <param name="before">The one that this replaces: where few nodes are others, its table makes the new one cheap.</param>
    public Rendezvous(IReadOnlyList<Candidate> nodes, ulong seed, bool isKept = true, Rendezvous? before = null)
    {
        Seed = seed;
        Nodes = [.. nodes.Select(node => (node.Id, node.Weight))];
        _seeds = [.. nodes.Select(node => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(node.Id), (long)seed))];
        // Equal scores (once in 2^52) go to the smaller id, so the order of the list must not count.
        _groups = [.. nodes
            .Select((node, place) => (node, place))
            .OrderBy(item => item.node.Id, StringComparer.Ordinal)
            .GroupBy(item => item.node.Weight)
            .Select(group => new WeightGroup(
                group.Key,
                [.. group.Select(item => _seeds[item.place])],
                [.. group.Select(item => item.place)]))];
        _table = isKept && (nodes.Count > SlotTable.WorthwhileFrom || _groups.Length > 1) ? new SlotTable(this, before is null ? null : RankingChange.Find(before, this)) : null;
    }

    /// <summary>The nodes, in the places that the responses name.</summary>
    public IReadOnlyList<(string Id, double Weight)> Nodes { get; }

    /// <summary>What it was made with.</summary>
    public ulong Seed { get; }

    /// <summary>Ends when <see cref="First"/> is as fast as it gets; its responses are the same before.</summary>
    public Task Ready => _table?.Filling ?? Task.CompletedTask;

    /// <summary>Whether <see cref="First"/> is a read, or a calculation over few nodes.</summary>
    public bool IsFast => _table?.IsReady ?? Nodes.Count <= SlotTable.WorthwhileFrom;

    /// <summary>Nobody will ask any more, or so few that the calculation does: a table that is being filled is given up.</summary>
    public void Retire() => _table?.GiveUp();

    /// <summary>The place of the highest-ranked node, or -1 when there is none.</summary>
    public int First(int slot) => _table is { IsReady: true } table ? table[slot] : First(slot, default(Anyone));

    /// <summary>The same by calculation alone, among some of the nodes.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="eligible">By place, which nodes take part; empty means all.</param>
    public int FirstAmong(int slot, ReadOnlySpan<bool> eligible) => First(slot, new Eligible(eligible));

    /// <summary>The highest-ranked place of the best grade that any node has, in one walk over the nodes; -1 when none has one.</summary>
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

    /// <summary>Compares the ranks of two places for a slot: above 0 when the first is higher, 0 when their scores are equal.</summary>
    public int Compare(int slot, int one, int other)
    {
        var (slotKey, weight, otherWeight) = (SlotKey(slot), Nodes[one].Weight, Nodes[other].Weight);
        var (hash, otherHash) = (Mix(slotKey ^ _seeds[one]), Mix(slotKey ^ _seeds[other]));
        return weight == otherWeight ? hash.CompareTo(otherHash) : Score(hash, weight).CompareTo(Score(otherHash, otherWeight));
    }

    /// <summary>All places, highest-ranked first.</summary>
    public int[] Ranking(int slot)
    {
        var slotKey = SlotKey(slot);
        return [.. _groups
            .SelectMany(group => group.Hashes(slotKey).Select(item => (item.Place, item.Hash, Score: Score(item.Hash, group.Weight))))
            .OrderByDescending(item => item.Score)
            .ThenByDescending(item => item.Hash)
            .Select(item => item.Place)];
    }

    /// <summary>A bijection of 64 bits in which every input bit moves every output bit: the finaliser of MurmurHash3
    /// with the constants of D. Stafford's variant 13, as in SplitMix64.</summary>
    internal static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }

    private static ulong SlotKey(int slot) => Mix((ulong)slot + 0x9E37_79B9_7F4A_7C15);

    // 52 bits and the half fill a double exactly: with one bit more the highest hashes would round to u = 1 and score -∞.
    internal static double Score(ulong hash, double weight) => -weight / Math.Log(((hash >> 12) + 0.5) * (1.0 / (1UL << 52)));

    private readonly struct Anyone : IGrading
    {
        public int Of(int place) => 0;
    }

    private readonly ref struct Eligible(ReadOnlySpan<bool> eligible) : IGrading
    {
        private readonly ReadOnlySpan<bool> _eligible = eligible;

        public int Of(int place) => _eligible.IsEmpty || _eligible[place] ? 0 : Grades;
    }
}

/// <summary>Says how good a node is for a request, beside its rank.</summary>
internal interface IGrading
{
    /// <summary>0 is best; from <see cref="Rendezvous.Grades"/> on the node does not take part.</summary>
    int Of(int place);
}

/// <summary>A node as the choice knows it, at one moment.</summary>
/// <param name="Id">Stable: the same after a restart and on every balancer.</param>
/// <param name="Weight">Its share relative to the others, above 0.</param>
/// <param name="IsAvailable">Whether it is up.</param>
/// <param name="BackFor">For how long it has been up again after having been down; null when it never was down.</param>
/// <param name="Tenure">Whose sessions it keeps; none for a node that keeps none.</param>
internal readonly record struct Candidate(
    string Id, double Weight, bool IsAvailable = true, TimeSpan? BackFor = null, Tenure Tenure = default);

/// <summary>
/// Nodes of one weight. Among them the highest hash is also the highest score, so the logarithm is taken once for a
/// group and not once for a node.
/// </summary>
internal sealed class WeightGroup(double weight, ulong[] seeds, int[] places)
{
    public double Weight => weight;

    /// <summary>For each grade the place with the highest hash, or -1, and that hash.</summary>
    public void Lead<TGrading>(ulong slotKey, TGrading grading, Span<int> leaders, Span<ulong> hashes)
        where TGrading : struct, IGrading, allows ref struct
    {
        leaders.Fill(-1);
        for (var i = 0; i < seeds.Length; i++)
        {
            var grade = grading.Of(places[i]);
            if (grade >= leaders.Length)
            {
                continue;
            }

            var hash = Rendezvous.Mix(slotKey ^ seeds[i]);
            if (hash > hashes[grade] || leaders[grade] < 0)
            {
                (hashes[grade], leaders[grade]) = (hash, places[i]);
            }
        }
    }

    /// <summary>Every node's hash, in the order of the ids.</summary>
    public IEnumerable<(int Place, ulong Hash)> Hashes(ulong slotKey)
    {
        for (var i = 0; i < seeds.Length; i++)
        {
            yield return (places[i], Rendezvous.Mix(slotKey ^ seeds[i]));
        }
    }
}

/// <summary>
/// A time during which a node keeps the sessions of its clients without a break. A node that goes down, or leaves, and comes
/// back has another tenure: what it held before is nobody's at once, and nobody has to look for it.
/// </summary>
/// <param name="Number">The node's index in the lower half, how often that index was given away in the upper one.</param>
internal readonly record struct Tenure(uint Number)
{
    private const int IndexBits = 16;

    /// <summary>How many nodes can have a tenure at the same time.</summary>
    public const int MaxIndexes = 1 << IndexBits;

    /// <summary>Keeps no sessions.</summary>
    public static Tenure None => default;

    /// <summary>Small, and no other tenure's at the same time.</summary>
    public int Index => (int)(Number & (MaxIndexes - 1));

    /// <param name="index">From 0 to <see cref="MaxIndexes"/> - 1.</param>
    /// <param name="generation">From 1: how often the index was given away. It may come round: after 65,535 tenures a slot that
    /// nobody has used since the first would stay where it is.</param>
    public static Tenure Of(int index, ushort generation) => new(((uint)generation << IndexBits) | (uint)index);
}
