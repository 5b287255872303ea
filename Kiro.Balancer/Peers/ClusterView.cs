using System.Globalization;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Peers;

/// <summary>How a balancer sees the nodes, to be compared.</summary>
internal sealed class ClusterView
{
    /// <summary>Of a larger cluster the first ones are compared.</summary>
    public const int MaxNodes = 5000;

    public static readonly ClusterView Unknown = new([]);

    public ClusterView(IReadOnlyList<NodeView> nodes)
    {
        Nodes = nodes;
        Hash = HashOf(string.Join('\n', nodes.Select(node => string.Create(CultureInfo.InvariantCulture, $"{node.Id} {node.State} {node.Weight:R} {node.IsDrained}"))));
    }

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<NodeView> Nodes { get; }

    /// <summary>The same where the view is.</summary>
    public string Hash { get; }

    public static ClusterView Of(BackendSnapshot snapshot) => new(
    [
        .. snapshot.Backends.Take(MaxNodes).Select(known => new NodeView(
            known.Id, known.State.Word(), known.Weight, known.Health.IsDrainedByOperator)),
    ]);

    /// <summary>Stands for the settings that must be the same on every balancer. The seed is a secret, and does not show.</summary>
    public static string MappingOf(HashingOptions hashing) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"kiro {hashing.Seed} {hashing.IPv4Prefix} {hashing.IPv6Prefix}")))[..8]);

    /// <summary>What a peer sees otherwise.</summary>
    public IEnumerable<Difference> To(ClusterView theirs)
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
