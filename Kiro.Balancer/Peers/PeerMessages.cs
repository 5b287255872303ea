using System.Text.Json.Serialization;

namespace Kiro.Balancer.Peers;

/// <summary>The result of an exchange with a peer.</summary>
/// <param name="Response">Its last response.</param>
/// <param name="NewestSent">The date of the newest order that it was sent.</param>
/// <param name="View">Its view of the backends.</param>
/// <param name="IsInSync">Whether both have the same orders.</param>
/// <param name="Differences">How it differs from this balancer.</param>
internal sealed record PeerKnowledge(PeerResponse Response, long NewestSent, ClusterView View, bool IsInSync, IReadOnlyList<Difference> Differences)
{
    /// <summary>Whether the peer is this balancer itself, at another address.</summary>
    public bool IsSelf { get; init; }
}

/// <summary>An orders message. Any property may be missing, as versions can differ.</summary>
internal sealed record PeerRequest
{
    /// <summary>The sender's id.</summary>
    public string? From { get; init; }

    /// <summary>The <see cref="OrderDigest"/> of its orders.</summary>
    public string? Digest { get; init; }

    /// <summary>Orders that the peer may not have.</summary>
    public IReadOnlyList<Order>? Orders { get; init; }

    /// <summary>The <see cref="PeerResponse.View"/> that the sender already has.</summary>
    public string? KnownView { get; init; }
}

/// <summary>The response to a <see cref="PeerRequest"/>.</summary>
internal sealed record PeerResponse
{
    /// <summary>The peer's id.</summary>
    public string? From { get; init; }

    public string? Version { get; init; }

    /// <summary>Its clock, in milliseconds since 1970.</summary>
    public long Time { get; init; }

    /// <summary>The digest of its orders, after merging those of the request.</summary>
    public string? Digest { get; init; }

    /// <summary>Its orders in the buckets that differ.</summary>
    public IReadOnlyList<Order>? Orders { get; init; }

    /// <summary>The number of its orders.</summary>
    public int Count { get; init; }

    /// <summary>How many orders in the request were new to it.</summary>
    public int Taken { get; init; }

    /// <summary>See <see cref="ClusterView.MappingOf"/>.</summary>
    public string? Mapping { get; init; }

    /// <summary>Its <c>SESSION_IDLE</c> in seconds, 0 without session affinity; null from a version without sessions.</summary>
    public double? SessionIdle { get; init; }

    /// <summary>The hash of <see cref="Nodes"/>.</summary>
    public string? View { get; init; }

    /// <summary>Its backends; null if the sender already has them.</summary>
    public IReadOnlyList<NodeView>? Nodes { get; init; }
}

/// <summary>A balancer's view of a backend.</summary>
/// <param name="Id">The backend's id.</param>
/// <param name="State"><c>starting</c>, <c>up</c>, <c>down</c> or <c>draining</c>.</param>
/// <param name="Weight">Relative to the others.</param>
/// <param name="IsDrained">Whether an operator drains it.</param>
internal sealed record NodeView(string Id, string State, double Weight, bool IsDrained);

/// <summary>The JSON between balancers.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PeerRequest))]
[JsonSerializable(typeof(PeerResponse))]
[JsonSerializable(typeof(Order[]))]
internal sealed partial class PeerJson : JsonSerializerContext;
