using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Backends;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Kiro.Balancer.Peers;

internal static class PeerServices
{
    /// <summary>As large as the largest message: <see cref="PeerExchange.MaxOrders"/> of the longest orders. In bytes.</summary>
    private const int MaxRequest = 1024 * 1024;

    /// <summary>Before discovery and before the listeners, so that no node is used against an order.</summary>
    public static void AddPeers(this IServiceCollection services, Reloadable<PeerOptions> options)
    {
        services.AddSingleton(options);
        services.TryAddSingleton<OrderBook>();
        services.AddSingleton<IStandingOrders>(provider => provider.GetRequiredService<OrderBook>());
        services.AddSingleton<OperatorOrders>();
        services.AddSingleton<IStatePart, OrdersPart>();
        services.AddSingleton<PeerExchange>();
        services.AddSingleton<PeerLookup>();
        services.AddSingleton<PeerSet>();
        services.AddHostedService(provider => provider.GetRequiredService<PeerSet>());
    }

    /// <summary>Where peers tell their orders, and get this balancer's.</summary>
    /// <param name="admin">Endpoints under <c>/lb</c> that only those get to who have the admin token.</param>
    public static void MapPeers(this RouteGroupBuilder admin) =>
        admin.MapPost("/peers/orders", async (HttpContext context, PeerExchange exchange) => await RespondAsync(context, exchange));

    private static async Task<IResult> RespondAsync(HttpContext context, PeerExchange exchange)
    {
        if (context.Request.ContentLength is not (> 0 and <= MaxRequest and var length))
        {
            return Problem.Result(StatusCodes.Status413PayloadTooLarge, "a message of a peer has Content-Length and at most 1 MiB");
        }

        var body = new byte[length];
        await context.Request.Body.ReadExactlyAsync(body, context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            return JsonSerializer.Deserialize(body, PeerJson.Default.PeerRequest) is { } request
                ? Results.Json(exchange.Respond(request), PeerJson.Default.PeerResponse)
                : Malformed();
        }
        catch (JsonException)
        {
            return Malformed();
        }
    }

    private static IResult Malformed() => Problem.Result(StatusCodes.Status400BadRequest, "this is no message of a peer");
}
