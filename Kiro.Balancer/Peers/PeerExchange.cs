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
/// Two balancers bring their orders into step (anti-entropy): one sends its digest, and orders that are new; the other
/// takes them, and responds with its own digest and its orders where the digests differ; the first takes those and sends
/// back what is still missing there. Nothing that is lost, repeated or comes late does harm.
/// </summary>
internal sealed class PeerExchange(
    OrderBook book, OperatorOrders orders, BackendRegistry registry, HashingOptions hashing, SelectionOptions selection, TimeProvider time)
{
    /// <summary>Orders in one message. Those that are left come with the next one.</summary>
    public const int MaxOrders = 512;

    /// <summary>Messages to bring two balancers into step; more are left to the next time.</summary>
    private const int MaxMessages = 64;

    private readonly string _mapping = ClusterView.MappingOf(hashing);

    /// <summary>Responds to a peer that has the admin token.</summary>
    public PeerResponse Respond(PeerRequest request)
    {
        var taken = orders.Take([.. (request.Orders ?? []).Take(MaxOrders)]);
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

    /// <summary>Brings this balancer and a peer into step.</summary>
    /// <param name="ask">Asks the peer.</param>
    /// <param name="told">The date of the newest order that the peer is known to have.</param>
    /// <param name="view">The peer's nodes as far as they are known.</param>
    /// <param name="cancellationToken">Ends the exchange.</param>
    /// <exception cref="PeerException">The peer cannot be asked.</exception>
    public async Task<PeerKnowledge> RunAsync(AskPeer ask, long told, ClusterView view, CancellationToken cancellationToken)
    {
        var missing = book.After(told, MaxOrders);
        var newest = missing.Count > 0 ? missing[0].Date : told;
        for (var message = 1; ; message++)
        {
            var response = await ask(
                new PeerRequest { From = book.Owner, Digest = book.Digest().Encoded(), Orders = missing, KnownView = view.Hash }, cancellationToken);
            view = response.Nodes is null ? view : new ClusterView([.. response.Nodes.Where(node => node is { Id: not null, State: not null }).Take(ClusterView.MaxNodes)]);
            if (response.From == book.Owner)
            {
                return new PeerKnowledge(response, newest, view, IsInStep: true, []) { IsSelf = true };
            }

            var taken = orders.Take([.. (response.Orders ?? []).Take(MaxOrders)]);
            var theirs = OrderDigest.Decoded(response.Digest) ?? new OrderDigest();
            var sent = missing.Count;
            (var mine, missing) = book.Against(theirs, MaxOrders);
            // Once more with what is missing there; and again as long as that brings them nearer to each other.
            if (missing.Count == 0 || message == MaxMessages || (sent > 0 && taken == 0 && response.Taken == 0))
            {
                return new PeerKnowledge(response, newest, view, mine.Matches(theirs), DifferencesFrom(response, view, mine.Matches(theirs)));
            }
        }
    }

    private List<Difference> DifferencesFrom(PeerResponse response, ClusterView theirs, bool isInStep)
    {
        List<Difference> differences = [.. ClusterView.Of(registry.Current).To(theirs)];
        if (response.Mapping is { } mapping && mapping != _mapping)
        {
            differences.Add(new Difference(DifferenceKind.Mapping));
        }

        if ((response.SessionIdle ?? 0) != selection.SessionIdle.TotalSeconds)
        {
            differences.Add(new Difference(DifferenceKind.SessionIdle, null, Shown(response.SessionIdle), Shown(selection.SessionIdle.TotalSeconds)));
        }

        // A balancer tells nothing of nodes that it does not know, so then it is no wonder.
        if (!isInStep && differences.TrueForAll(one => one.Kind is DifferenceKind.State or DifferenceKind.Mapping or DifferenceKind.SessionIdle))
        {
            differences.Add(new Difference(DifferenceKind.Orders));
        }

        return differences;
    }

    private static string Shown(double? seconds) => seconds?.ToString("0.###", CultureInfo.InvariantCulture) ?? "";
}

/// <summary>Sends a message to a peer.</summary>
/// <exception cref="PeerException">There is no response that can be used; its message says why, in words that follow the peer's name.</exception>
internal delegate Task<PeerResponse> AskPeer(PeerRequest question, CancellationToken cancellationToken);

/// <summary>What an exchange with a peer told.</summary>
/// <param name="Response">Its last response.</param>
/// <param name="Told">The date of the newest order that it was sent.</param>
/// <param name="View">Its nodes.</param>
/// <param name="IsInStep">Whether it has the same orders as this balancer.</param>
/// <param name="Differences">What it sees otherwise.</param>
internal sealed record PeerKnowledge(PeerResponse Response, long Told, ClusterView View, bool IsInStep, IReadOnlyList<Difference> Differences)
{
    /// <summary>Whether the peer is this balancer itself, reached by another address.</summary>
    public bool IsSelf { get; init; }
}

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

/// <summary>
/// Says in little which orders a balancer has: it sorts them into buckets and adds up the hashes in each. Two that differ
/// tell each other only the orders of the buckets that do.
/// </summary>
internal sealed class OrderDigest
{
    public const int Buckets = 64;

    private readonly ulong[] _sums = new ulong[Buckets];

    /// <summary>Where the orders about a node belong.</summary>
    public static int BucketOf(string backend) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(backend)) % Buckets);

    public void Add(Order order) => _sums[BucketOf(order.Backend)] += order.Hash();

    public bool Differs(OrderDigest other, int bucket) => _sums[bucket] != other._sums[bucket];

    public bool Matches(OrderDigest other) => _sums.AsSpan().SequenceEqual(other._sums);

    /// <summary>For the wire.</summary>
    public string Encoded()
    {
        var bytes = new byte[Buckets * sizeof(ulong)];
        for (var bucket = 0; bucket < Buckets; bucket++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(bucket * sizeof(ulong)), _sums[bucket]);
        }

        return Convert.ToBase64String(bytes);
    }

    /// <returns>Null when it is none.</returns>
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

    /// <summary>Few letters, for people: the same where the orders are the same.</summary>
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
