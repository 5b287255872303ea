using Kiro.ServiceDefaults.Printing;
using Spectre.Console;

namespace Kiro.Cluster.View;

/// <summary>The table of nodes; columns are dropped if the terminal is narrow.</summary>
internal static class NodeTable
{
    /// <summary>The minimum width for a column of reasons; otherwise they are below the table.</summary>
    public const int WidthWithReasons = 110;

    private const int Gap = 2;
    private const int MinName = 8;
    private const int MinReason = 24;

    /// <param name="nodes">The rows.</param>
    /// <param name="width">In characters.</param>
    public static Table Of(IReadOnlyList<NodeView> nodes, int width)
    {
        var oneHost = nodes.Select(node => node.Host).Distinct().Count() <= 1;
        Column[] columns =
        [
            new("node", 0, Justify.Left, node => node.Name),
            oneHost
                ? new("port", 0, Justify.Left, node => Figures.Count(node.Port))
                : new("address", 90, Justify.Left, node => Words.Cut($"{node.Host}:{node.Port}", 28)),
            new("state", 0, Justify.Left, node => node.State),
            new("probe", 46, Justify.Right, node => Figures.Milliseconds(node.LatencyMs)),
            new("share", 0, Justify.Right, node => Figures.Percent(node.Share)),
            new("req/s", 54, Justify.Right, node => Figures.Rate(node.RequestsPerSecond)),
            new("in-flight", 66, Justify.Right, node => Figures.Count(node.InFlight)),
            new("sessions", nodes.Any(node => node.Sessions is not null) ? 76 : int.MaxValue, Justify.Right, node => Figures.Count(node.Sessions)),
            // Only known to the runner.
            new("restarts", nodes.Any(node => node.Restarts is not null) ? 76 : int.MaxValue, Justify.Right, node => Figures.Count(node.Restarts)),
            new("reason", WidthWithReasons, Justify.Left, node => node.Reason ?? ""),
        ];

        var shown = columns.Where(column => width >= column.MinWidth).ToArray();
        // Names get the space left by the figures, reasons the space left by the names.
        var others = shown.Skip(1).Sum(column => Gap + (column.Title is "reason" ? MinReason : column.Width(nodes)));
        var longest = Math.Max(MinName, width - others);
        shown[0] = shown[0] with { Value = node => Words.Cut(node.Name, longest) };
        var table = new Table().NoBorder();
        foreach (var column in shown)
        {
            table.AddColumn(new TableColumn(new Text(column.Title, new Style(decoration: Decoration.Dim)))
            {
                Alignment = column.Alignment,
                Padding = new Padding(0, 0, column == shown[^1] ? 0 : Gap, 0),
                NoWrap = column.Title is not "reason",
            });
        }

        foreach (var node in nodes)
        {
            table.AddRow(shown.Select(column => new Text(
                PrintableText.Of(column.Value(node)), column.Title is "state" ? StateStyle.Of(node.State) : Style.Plain)));
        }

        return table;
    }

    private sealed record Column(string Title, int MinWidth, Justify Alignment, Func<NodeView, string> Value)
    {
        public int Width(IReadOnlyList<NodeView> nodes) => nodes.Select(node => Value(node).Length).Append(Title.Length).Max();
    }
}

/// <summary>The colour of a state, in addition to the word.</summary>
internal static class StateStyle
{
    public static Style Of(string state) => new(state switch
    {
        "up" => Color.Green,
        "down" or "failing" => Color.Red,
        _ => Color.Yellow,
    });
}

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
