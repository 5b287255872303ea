using System.Globalization;
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
