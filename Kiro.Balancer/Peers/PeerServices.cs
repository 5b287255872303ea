using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Kiro.Balancer.Peers;

internal static class PeerServices
{
    /// <summary>As large as the largest message: <see cref="PeerExchange.MaxOrders"/> of the longest orders. In bytes.</summary>
    private const int MaxRequest = 1024 * 1024;

    /// <summary>Before discovery and before the listeners, so that no node is used against an order.</summary>
    /// <param name="services">Where to add them.</param>
    /// <param name="options">Who they are.</param>
    /// <param name="tellsSessions">Whether sessions stay.</param>
    public static void AddPeers(this IServiceCollection services, Reloadable<PeerOptions> options, bool tellsSessions = false)
    {
        services.AddSingleton(options);
        services.TryAddSingleton<OrderBook>();
        services.AddSingleton<IStandingOrders>(provider => provider.GetRequiredService<OrderBook>());
        services.AddSingleton<OperatorOrders>();
        services.AddSingleton<IStatePart, OrdersPart>();
        services.AddSingleton<PeerExchange>();
        services.AddSingleton<PeerLookup>();
        services.AddSingleton<PeerSet>();
        services.AddSingleton<SessionCounters>();
        if (tellsSessions)
        {
            services.AddSingleton<SessionExchange>();
            services.AddSingleton<IHandedOver>(provider => provider.GetRequiredService<SessionExchange>());
        }

        services.AddHostedService(provider => provider.GetRequiredService<PeerSet>());
        if (tellsSessions)
        {
            services.AddHostedService<SessionTeller>();
        }
    }

    /// <summary>Where peers tell their orders and sessions, and get this balancer's.</summary>
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
