namespace Kiro.Api.Nodes;

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
