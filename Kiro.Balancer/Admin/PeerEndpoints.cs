using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Peers;

namespace Kiro.Balancer.Admin;

/// <summary>Endpoints for peers, to exchange orders and sessions.</summary>
internal static class PeerEndpoints
{
    /// <summary>The largest message in bytes: <see cref="PeerExchange.MaxOrders"/> orders of maximum length.</summary>
    private const int MaxRequest = 1024 * 1024;

    /// <param name="admin">The endpoints under <c>/lb</c> that require the admin token.</param>
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
            return ProblemResponse.Result(StatusCodes.Status413PayloadTooLarge, "a peer message must have a Content-Length of at most 1 MiB");
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
            return ProblemResponse.Result(StatusCodes.Status400BadRequest, "this is not a valid peer message");
        }
    }
}
