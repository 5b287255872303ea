using System.Globalization;
using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;

namespace Kiro.Balancer.Admin;

/// <summary>Where the other balancers tell their orders and sessions, and get this one's.</summary>
internal static class PeerEndpoints
{
    /// <summary>As large as the largest message: <see cref="PeerExchange.MaxOrders"/> of the longest orders. In bytes.</summary>
    private const int MaxRequest = 1024 * 1024;

    /// <summary>Adds them.</summary>
    /// <param name="admin">Endpoints under <c>/lb</c> that only those get to who have the admin token.</param>
    public static void MapPeers(this RouteGroupBuilder admin)
    {
        admin.MapPost("/peers/orders", TakeOrdersAsync);
        admin.MapPost("/peers/sessions", TakeSessionsAsync);
    }

    private static Task<IResult> TakeOrdersAsync(HttpContext context, PeerExchange exchange) => RespondAsync(context, body =>
        Results.Json(exchange.Respond(JsonSerializer.Deserialize(body, PeerJson.Default.PeerRequest) ?? throw new JsonException()), PeerJson.Default.PeerResponse));

    private static Task<IResult> TakeSessionsAsync(HttpContext context, IServiceProvider services) => RespondAsync(context, body =>
        services.GetService<SessionExchange>() is { } sessions
            ? Results.Bytes(sessions.Respond(body), "application/octet-stream")
            : ProblemResponse.Result(StatusCodes.Status404NotFound, "SESSION_IDLE is 0 here"));

    private static async Task<IResult> RespondAsync(HttpContext context, Func<byte[], IResult> respond)
    {
        if (context.Request.ContentLength is not (> 0 and <= MaxRequest and var length))
        {
            return ProblemResponse.Result(StatusCodes.Status413PayloadTooLarge, "a message of a peer has Content-Length and at most 1 MiB");
        }

        var body = new byte[length];
        await context.Request.Body.ReadExactlyAsync(body, context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            return respond(body);
        }
        catch (Exception malformed) when (malformed is JsonException or FormatException)
        {
            return ProblemResponse.Result(StatusCodes.Status400BadRequest, "this is no message of a peer");
        }
    }
}

/// <summary>Tells of the other balancers.</summary>
internal sealed class PeersReport(PeerSet peers, OrderBook book, TimeProvider time)
{
    public OrdersStatus Orders => new(book.Count, book.Digest().ToString(), book.Refused);

    public IReadOnlyList<PeerStatus> Peers => [.. peers.All.Select(Of)];

    /// <summary>What has been wrong for a while.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (var peer in peers.All)
        {
            var (state, since) = (peer.State, time.GetElapsedTime(peer.State.Since));
            if (state.Problem is not null && since >= PeerState.Patience)
            {
                yield return string.Create(CultureInfo.InvariantCulture,
                    $"The balancer {peer.Address} {state.Problem}, for {since.TotalSeconds:0} s now: admin actions do not reach it.");
            }

            foreach (var difference in Difference.InWords(state.Lasting))
            {
                yield return $"The balancer {peer.Address} {difference}.";
            }
        }

        if (peers.LeftOut > 0)
        {
            yield return $"BALANCER_PEERS names {PeerLookup.MaxPeers + peers.LeftOut} balancers. Only {PeerLookup.MaxPeers} of them receive admin actions.";
        }
    }

    private static PeerStatus Of(Peer peer)
    {
        var (state, knowledge) = (peer.State, peer.State.Knowledge);
        return new PeerStatus
        {
            Address = peer.Address.ToString(),
            Reachable = state.IsReachable,
            Error = state.Problem,
            LastHeard = state.LastHeard,
            Version = knowledge?.Response.Version,
            Nodes = knowledge is null ? null : Count(knowledge.View.Nodes),
            Orders = knowledge?.Response.Count,
            Digest = OrderDigest.Decoded(knowledge?.Response.Digest)?.ToString(),
            InStep = knowledge?.IsInStep,
            UntoldSessions = peer.UntoldSessions,
            Differences = [.. Difference.InWords(state.Lasting).Select(words => words + ".")],
        };
    }

    private static PeerNodes Count(IReadOnlyList<NodeView> nodes)
    {
        int In(BackendState state) => nodes.Count(node => node.State == state.Word());
        return new PeerNodes(nodes.Count, In(BackendState.Up), In(BackendState.Starting), In(BackendState.Down), In(BackendState.Draining));
    }
}
