using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json.Serialization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.ServiceDefaults;

namespace Kiro.Balancer.Peers;

/// <summary>
/// Synchronizes the orders of two balancers (anti-entropy). One sends its digest and new orders; the other merges them, and responds with
/// its own digest and its orders in the buckets that differ; the first merges those and sends what is still missing. Lost,
/// repeated and late messages are harmless.
/// </summary>
internal sealed class PeerExchange(
    OrderBook book, OperatorOrders orders, BackendRegistry registry, HashingOptions hashing, SelectionOptions selection, TimeProvider time)
{
    /// <summary>Per message; the rest follows with the next one.</summary>
    public const int MaxOrders = 512;

    /// <summary>Per exchange; the rest follows with the next one.</summary>
    private const int MaxMessages = 64;

    private readonly string _mapping = ClusterView.MappingOf(hashing);

    /// <summary>Responds to an authenticated peer.</summary>
    public PeerResponse Respond(PeerRequest request)
    {
        var taken = orders.Merge([.. (request.Orders ?? []).Take(MaxOrders)]);
        var (mine, differing) = book.Against(OrderDigest.Decoded(request.Digest) ?? new OrderDigest(), MaxOrders);
        var view = ClusterView.Of(registry.Current);
        return new PeerResponse
        {
            From = book.Owner,
            Version = ServiceDefaultsExtensions.Version,
            Time = time.GetUtcNow().ToUnixTimeMilliseconds(),
            Digest = mine.Encoded(),
            Orders = differing,
            Count = book.Count,
            Taken = taken,
            Mapping = _mapping,
            SessionIdle = selection.SessionIdle.TotalSeconds,
            View = view.Hash,
            Nodes = request.KnownView == view.Hash ? null : view.Nodes,
        };
    }

    /// <summary>Synchronizes with a peer.</summary>
    /// <param name="ask">Sends it a message.</param>
    /// <param name="newestSent">The date of the newest order that it is known to have.</param>
    /// <param name="view">Its last known view.</param>
    /// <param name="cancellationToken">Cancels the exchange.</param>
    /// <exception cref="PeerException">The exchange failed.</exception>
    public async Task<PeerKnowledge> RunAsync(AskPeer ask, long newestSent, ClusterView view, CancellationToken cancellationToken)
    {
        var missing = book.After(newestSent, MaxOrders);
        var newest = missing.Count > 0 ? missing[0].Date : newestSent;
        for (var message = 1; ; message++)
        {
            var response = await ask(
                new PeerRequest { From = book.Owner, Digest = book.Digest().Encoded(), Orders = missing, KnownView = view.Hash }, cancellationToken);
            view = response.Nodes is null ? view : new ClusterView([.. response.Nodes.Where(node => node is { Id: not null, State: not null }).Take(ClusterView.MaxNodes)]);
            if (response.From == book.Owner)
            {
                return new PeerKnowledge(response, newest, view, IsInSync: true, []) { IsSelf = true };
            }

            var taken = orders.Merge([.. (response.Orders ?? []).Take(MaxOrders)]);
            var theirs = OrderDigest.Decoded(response.Digest) ?? new OrderDigest();
            var sent = missing.Count;
            (var mine, missing) = book.Against(theirs, MaxOrders);
            // Continue while orders are missing there and the last message made progress.
            if (missing.Count == 0 || message == MaxMessages || (sent > 0 && taken == 0 && response.Taken == 0))
            {
                return new PeerKnowledge(response, newest, view, mine.Matches(theirs), DifferencesFrom(response, view, mine.Matches(theirs)));
            }
        }
    }

    private List<Difference> DifferencesFrom(PeerResponse response, ClusterView theirs, bool isInStep)
    {
        List<Difference> differences = [.. ClusterView.Of(registry.Current).DifferencesTo(theirs)];
        if (response.Mapping is { } mapping && mapping != _mapping)
        {
            differences.Add(new Difference(DifferenceKind.Mapping));
        }

        if ((response.SessionIdle ?? 0) != selection.SessionIdle.TotalSeconds)
        {
            differences.Add(new Difference(DifferenceKind.SessionIdle, null, Shown(response.SessionIdle), Shown(selection.SessionIdle.TotalSeconds)));
        }

        // Expected if the backends differ, as no orders are sent for unknown ones.
        if (!isInStep && differences.TrueForAll(one => one.Kind is DifferenceKind.State or DifferenceKind.Mapping or DifferenceKind.SessionIdle))
        {
            differences.Add(new Difference(DifferenceKind.Orders));
        }

        return differences;
    }

    private static string Shown(double? seconds) => seconds?.ToString("0.###", CultureInfo.InvariantCulture) ?? "";
}

/// <summary>Sends an orders message to a peer.</summary>
/// <exception cref="PeerException">There is no usable response.</exception>
internal delegate Task<PeerResponse> AskPeer(PeerRequest request, CancellationToken cancellationToken);

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

/// <summary>
/// A digest of a balancer's orders: the sum of their hashes in each bucket. Balancers exchange only the orders of buckets that differ.
/// </summary>
internal sealed class OrderDigest
{
    public const int Buckets = 64;

    private readonly ulong[] _sums = new ulong[Buckets];

    /// <summary>The bucket of a backend's orders.</summary>
    public static int BucketOf(string backend) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(backend)) % Buckets);

    public void Add(Order order) => _sums[BucketOf(order.Backend)] += order.Hash();

    public bool Differs(OrderDigest other, int bucket) => _sums[bucket] != other._sums[bucket];

    public bool Matches(OrderDigest other) => _sums.AsSpan().SequenceEqual(other._sums);

    public string Encoded()
    {
        var bytes = new byte[Buckets * sizeof(ulong)];
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bucket * sizeof(ulong)), _sums[bucket]);
        }

        return Convert.ToBase64String(bytes);
    }

    /// <returns>Null if it is invalid.</returns>
    public static OrderDigest? Decoded(string? text)
    {
        Span<byte> bytes = stackalloc byte[Buckets * sizeof(ulong)];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out var length) || length != bytes.Length)
        {
            return null;
        }

        var digest = new OrderDigest();
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            digest._sums[bucket] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(bucket * sizeof(ulong))..]);
        }

        return digest;
    }

    /// <summary>A short form for people.</summary>
    public override string ToString()
    {
        var all = 0UL;
        foreach (var sum in _sums)
        {
            all += sum;
        }

        return ((uint)(all ^ (all >> 32))).ToString("x8", CultureInfo.InvariantCulture);
    }
}
