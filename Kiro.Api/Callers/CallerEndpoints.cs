using Kiro.Api.Nodes;

namespace Kiro.Api.Callers;

/// <summary><c>GET /api/client-ip</c>: the caller's address and node.</summary>
internal static class CallerEndpoints
{
    public static void MapCallers(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/client-ip", (HttpContext context, NodeIdentity node) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            return Results.Json(
                new CallerResponse(CallerAddress.Of(context).ToString(), node.Name));
        });
}

/// <summary>The caller's own route: its address, and the node that serves it.</summary>
internal sealed record CallerResponse(string Ip, string Node);
