namespace Kiro.Api.Nodes;

/// <summary>The cluster as it was at the last heartbeat: requests ask here and never wait for the database.</summary>
internal sealed class NodeDirectory
{
    private volatile IReadOnlyList<NodeAnswer> _nodes = [];

    public IReadOnlyList<NodeAnswer> Nodes
    {
        get => _nodes;
        set => _nodes = value;
    }
}
