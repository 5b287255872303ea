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

/// <summary>The cluster as it was at the last heartbeat: requests ask here and never wait for the database.</summary>
internal sealed class NodeDirectory
{
    private volatile IReadOnlyList<NodeResponse> _nodes = [];

    public IReadOnlyList<NodeResponse> Nodes
    {
        get => _nodes;
        set => _nodes = value;
    }
}

/// <summary>
/// One node as the others see it. Its state is <c>up</c>, <c>stopped</c> when it said goodbye, <c>gone</c> when it fell silent.
/// </summary>
internal sealed record NodeResponse(
    string Name, string Address, string Version, DateTimeOffset StartedAt, DateTimeOffset LastHeartbeat, string State);
