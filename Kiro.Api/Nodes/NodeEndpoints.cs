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
                new NodesResponse(node.Name, database.Current.Word, directory.Nodes));
        });
}

/// <summary>The cluster.</summary>
/// <param name="Node">Who answers.</param>
/// <param name="Database"><c>down</c> when this is what was last known.</param>
/// <param name="Nodes">In the order of their names.</param>
internal sealed record NodesResponse(string Node, string Database, IReadOnlyList<NodeResponse> Nodes);
