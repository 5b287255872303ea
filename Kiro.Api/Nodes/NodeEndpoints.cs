using Kiro.Api.Database;

namespace Kiro.Api.Nodes;

/// <summary><c>GET /api/nodes</c>: the nodes registered in the database.</summary>
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
/// <param name="Node">The responding node.</param>
/// <param name="Database"><c>down</c> if this is the last known state.</param>
/// <param name="Nodes">Ordered by name.</param>
internal sealed record NodesResponse(string Node, string Database, IReadOnlyList<NodeResponse> Nodes);

/// <summary>The nodes as of the last heartbeat, so that requests never wait for the database.</summary>
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
/// One node as seen by the others. Its state is <c>up</c>, <c>stopped</c> after a clean stop, <c>gone</c> without heartbeats.
/// </summary>
internal sealed record NodeResponse(
    string Name, string Address, string Version, DateTimeOffset StartedAt, DateTimeOffset LastHeartbeat, string State);
