using Kiro.Api.Database;

namespace Kiro.Api.Nodes;

/// <summary><c>GET /api/nodes</c>: the cluster as the database knows it.</summary>
internal static class NodeEndpoints
{
    public static void MapNodes(this IEndpointRouteBuilder app) =>
        app.MapGet("/api/nodes", (HttpResponse response, NodeIdentity node, NodeDirectory directory, DatabaseState database) =>
        {
            response.Headers.CacheControl = "no-store";
            return Results.Json(
                new NodesAnswer(node.Name, database.Current.Word, directory.Nodes));
        });
}
