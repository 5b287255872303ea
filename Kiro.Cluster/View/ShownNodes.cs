namespace Kiro.Cluster.View;

/// <summary>The nodes shown if there is no room for all; those with problems take precedence.</summary>
/// <param name="Rows">In their usual order.</param>
/// <param name="More">A summary of the hidden nodes; null if all are shown.</param>
internal sealed record ShownNodes(IReadOnlyList<NodeView> Rows, string? More)
{
    /// <param name="nodes">All nodes.</param>
    /// <param name="lines">The available lines, including the summary.</param>
    public static ShownNodes Of(IReadOnlyList<NodeView> nodes, int lines)
    {
        if (nodes.Count <= lines)
        {
            return new ShownNodes(nodes, null);
        }

        var room = Math.Max(lines - 1, 0);
        var rows = nodes.Index().OrderBy(entry => entry.Item.State is "up").Take(room).OrderBy(entry => entry.Index).Select(entry => entry.Item).ToArray();
        var rest = nodes.Count - rows.Length;
        var restUp = nodes.Count(node => node.IsUp) - rows.Count(node => node.IsUp);
        return new ShownNodes(rows, (rest, restUp) switch
        {
            (2, 2) => "… and 2 more, both up",
            _ when restUp == rest => $"… and {rest} more, all up",
            _ => $"… and {rest} more, {(restUp == 0 ? "none" : restUp)} of them up",
        });
    }
}
