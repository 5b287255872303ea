using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>A balancer's view of the backends, for comparison with peers.</summary>
internal sealed class ClusterView
{
    /// <summary>In a larger cluster, only the first ones are compared.</summary>
    public const int MaxNodes = 5000;

    public static readonly ClusterView Unknown = new([]);

    public ClusterView(IReadOnlyList<NodeView> nodes)
    {
        Nodes = nodes;
        Hash = HashOf(string.Join('\n', nodes.Select(node => string.Create(CultureInfo.InvariantCulture, $"{node.Id} {node.State} {node.Weight:R} {node.IsDrained}"))));
    }

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<NodeView> Nodes { get; }

    /// <summary>Equal for equal views.</summary>
    public string Hash { get; }

    public static ClusterView Of(BackendSnapshot snapshot) => new(
    [
        .. snapshot.Backends.Take(MaxNodes).Select(known => new NodeView(
            known.Id, known.State.Name(), known.Weight, known.Health.IsDrainedByOperator)),
    ]);

    /// <summary>A hash of the settings that must be equal on all balancers. It does not reveal the seed, which is a secret.</summary>
    public static string MappingOf(HashingOptions hashing) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"kiro {hashing.Seed} {hashing.IPv4Prefix} {hashing.IPv6Prefix}")))[..8]);

    /// <summary>The differences from a peer's view.</summary>
    public IEnumerable<Difference> DifferencesTo(ClusterView theirs)
    {
        var others = new Dictionary<string, NodeView>();
        foreach (var node in theirs.Nodes)
        {
            others.TryAdd(node.Id, node);
        }

        foreach (var node in Nodes)
        {
            if (!others.Remove(node.Id, out var other))
            {
                yield return new Difference(DifferenceKind.Missing, node.Id);
                continue;
            }

            if (node.IsDrained != other.IsDrained)
            {
                yield return new Difference(other.IsDrained ? DifferenceKind.Drained : DifferenceKind.NotDrained, node.Id);
            }
            else if (node.State != other.State)
            {
                yield return new Difference(DifferenceKind.State, node.Id, other.State, node.State);
            }

            if (node.Weight != other.Weight)
            {
                yield return new Difference(DifferenceKind.Weight, node.Id, Shown(other.Weight), Shown(node.Weight));
            }
        }

        foreach (var id in others.Keys)
        {
            yield return new Difference(DifferenceKind.Unknown, id);
        }
    }

    private static string Shown(double weight) => weight.ToString("0.###", CultureInfo.InvariantCulture);

    private static string HashOf(string text) => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(text)).ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>A difference between a peer and this balancer.</summary>
/// <param name="Kind">What differs.</param>
/// <param name="Node">The backend's id; null if it is not about a backend.</param>
/// <param name="Theirs">The peer's value, if there is one.</param>
/// <param name="Mine">This balancer's value.</param>
internal readonly record struct Difference(DifferenceKind Kind, string? Node = null, string? Theirs = null, string? Mine = null)
{
    /// <summary>In one sentence.</summary>
    private const int MaxNames = 3;

    /// <summary>Sentences without the subject, which is the peer.</summary>
    public static IEnumerable<string> Describe(IEnumerable<Difference> differences) => differences
        .GroupBy(one => (one.Kind, one.Theirs, one.Mine)).OrderBy(group => group.Key.Kind)
        .Select(group => group.Key.Kind switch
        {
            DifferenceKind.Mapping => "has different hashing settings (HASH_SEED, HASH_IPV4_PREFIX, HASH_IPV6_PREFIX), so it sends clients to different nodes",
            DifferenceKind.Missing => $"does not know {Names(group)}",
            DifferenceKind.Unknown => $"knows {Names(group)}, which this balancer does not",
            DifferenceKind.Drained => $"has {Names(group)} drained by an operator, and this balancer has not",
            DifferenceKind.NotDrained => $"does not have {Names(group)} drained by an operator, and this balancer has",
            DifferenceKind.State => $"sees {Names(group)} {group.Key.Theirs}, and this balancer {group.Key.Mine}",
            DifferenceKind.Weight => $"gives {Names(group)} weight {group.Key.Theirs}, and this balancer {group.Key.Mine}",
            DifferenceKind.SessionIdle when group.Key.Theirs is "" => "is of a version that does not share sessions: a client that changes balancers may lose its session",
            DifferenceKind.SessionIdle when group.Key.Theirs is "0" or null || group.Key.Mine is "0" =>
                $"has SESSION_IDLE={group.Key.Theirs}, and this balancer {group.Key.Mine}: a client that changes balancers may lose its session",
            DifferenceKind.SessionIdle => $"has SESSION_IDLE={group.Key.Theirs}, and this balancer {group.Key.Mine}: a session may end with one of them and go on with the other",
            _ => "has different admin actions: compare the clocks of both balancers",
        });

    private static string Names(IEnumerable<Difference> differences)
    {
        var names = differences.Select(one => one.Node!).Order(StringComparer.Ordinal).ToList();
        return names.Count > MaxNames ? $"{string.Join(", ", names.Take(MaxNames))} and {names.Count - MaxNames} more" : string.Join(" and ", names);
    }
}

/// <summary>What balancers can differ in; the most severe first.</summary>
internal enum DifferenceKind
{
    /// <summary>The hashing settings.</summary>
    Mapping,

    /// <summary>The peer does not know a backend.</summary>
    Missing,

    /// <summary>This balancer does not know a backend.</summary>
    Unknown,

    /// <summary>A backend is drained by an operator only at the peer.</summary>
    Drained,

    /// <summary>A backend is drained by an operator only here.</summary>
    NotDrained,

    State,
    Weight,

    /// <summary>The idle timeout of sessions.</summary>
    SessionIdle,

    /// <summary>The orders, although all backends look the same.</summary>
    Orders,
}
