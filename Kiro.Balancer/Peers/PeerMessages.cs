using System.Text.Json.Serialization;

namespace Kiro.Balancer.Peers;

/// <summary>What a balancer asks a peer, and tells it. Everything may be missing: it may be of another version.</summary>
internal sealed record PeerRequest
{
    /// <summary>The id of the balancer that asks.</summary>
    public string? From { get; init; }

    /// <summary>Its orders in little, after <see cref="Orders"/>; see <see cref="OrderDigest"/>.</summary>
    public string? Digest { get; init; }

    /// <summary>Orders that the peer may not have.</summary>
    public IReadOnlyList<Order>? Orders { get; init; }

    /// <summary>The <see cref="PeerResponse.View"/> that it has got already.</summary>
    public string? KnownView { get; init; }
}

/// <summary>What the peer responds.</summary>
internal sealed record PeerResponse
{
    /// <summary>The peer's id.</summary>
    public string? From { get; init; }

    /// <summary>Of its program.</summary>
    public string? Version { get; init; }

    /// <summary>Its clock, in milliseconds since 1970.</summary>
    public long Time { get; init; }

    /// <summary>The digest of its orders, those of the request taken.</summary>
    public string? Digest { get; init; }

    /// <summary>Its orders where the digests differ.</summary>
    public IReadOnlyList<Order>? Orders { get; init; }

    /// <summary>How many orders it has.</summary>
    public int Count { get; init; }

    /// <summary>How many of those in the request were news to it.</summary>
    public int Taken { get; init; }

    /// <summary>Stands for its settings that decide which node is a client's: the same where they are the same.</summary>
    public string? Mapping { get; init; }

    /// <summary>Its <c>SESSION_IDLE</c> in seconds, 0 where sessions do not stay; null when it is of a version that tells nothing of them.</summary>
    public double? SessionIdle { get; init; }

    /// <summary>Stands for <see cref="Nodes"/>.</summary>
    public string? View { get; init; }

    /// <summary>Its nodes; null when the one who asks knows them.</summary>
    public IReadOnlyList<NodeView>? Nodes { get; init; }
}

/// <summary>How a balancer sees a node.</summary>
/// <param name="Id">The node's id.</param>
/// <param name="State"><c>starting</c>, <c>up</c>, <c>down</c> or <c>draining</c>.</param>
/// <param name="Weight">Its share relative to the others.</param>
/// <param name="IsDrained">Whether an operator wants it to drain.</param>
internal sealed record NodeView(string Id, string State, double Weight, bool IsDrained);

/// <summary>How balancers write to each other.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PeerRequest))]
[JsonSerializable(typeof(PeerResponse))]
[JsonSerializable(typeof(Order[]))]
internal sealed partial class PeerJson : JsonSerializerContext;
