using Kiro.ServiceDefaults.Printing;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Kiro.Cluster.View;

/// <summary>Lays out the view as lines that fit the terminal.</summary>
/// <param name="Width">In characters.</param>
/// <param name="Height">In lines; null for no limit.</param>
/// <param name="Colour">Whether to use colour.</param>
internal sealed record Frame(int Width, int? Height, bool Colour)
{
    /// <summary>Log lines for which the table leaves room, if the terminal is high enough.</summary>
    private const int LogReserve = 4;
    private const int HeightWithLog = 16;

    /// <param name="view">The view.</param>
    /// <param name="log">The last log lines, newest last, for a given width; null without a log.</param>
    public IReadOnlyList<string> Of(ClusterView view, Func<int, IReadOnlyList<string>>? log = null)
    {
        var head = view.Head.Select(line => Words.Cut(PrintableText.Of(line), Width)).ToList();
        if (Colour && head.Count > 0)
        {
            head[0] = $"\e[1m{head[0]}\e[0m";
        }

        var notes = Notes(view);
        // Header and blank line.
        var reserve = log is not null && Height >= HeightWithLog ? LogReserve + 1 : 0;
        var nodes = ShownNodes.Of(view.Nodes, Height is { } height ? Math.Max(height - head.Count - notes.Count - 2 - reserve, 1) : int.MaxValue);
        List<string> lines = [.. head, "", .. Table(nodes), .. notes];
        var left = (Height ?? 0) - lines.Count - 1;
        if (log is not null && left > 0)
        {
            lines.Add("");
            lines.AddRange(log(left));
        }

        return [.. lines.Take(Height ?? int.MaxValue)];
    }

    private IReadOnlyList<string> Table(ShownNodes nodes)
    {
        var lines = FrameText.Lines(NodeTable.Of(nodes.Rows, Width), Width, Colour);
        return nodes.More is null ? lines : [.. lines, nodes.More];
    }

    private List<string> Notes(ClusterView view)
    {
        var reasons = Width >= NodeTable.WidthWithReasons
            ? []
            : view.Nodes.Where(node => node.Reason is { Length: > 0 }).Select(node => $"{node.Name} is {node.State}: {node.Reason}");
        // Many nodes with the same problem must not push the table away.
        var notes = view.Warnings.Concat(reasons).Select(note => "! " + PrintableText.Of(note)).ToArray();
        var most = Height is { } height ? Math.Max(height / 3, 1) : int.MaxValue;
        var lines = notes.SelectMany(note => FrameText.Lines(new Text(note, new Style(Color.Yellow)), Width, Colour)).ToList();
        return lines.Count <= most ? lines : [.. lines.Take(most - 1), "! …"];
    }
}

/// <summary>Renders Spectre.Console content to lines.</summary>
internal static class FrameText
{
    /// <param name="content">The content.</param>
    /// <param name="width">In characters.</param>
    /// <param name="colour">Whether to use colour.</param>
    public static IReadOnlyList<string> Lines(IRenderable content, int width, bool colour)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            // The terminal's capabilities are already known.
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(content);
        return [.. text.ToString().TrimEnd('\n').Split('\n').Select(line => line.TrimEnd())];
    }
}

/// <summary>Truncates text.</summary>
internal static class Words
{
    /// <summary>At most <paramref name="width"/> characters.</summary>
    public static string Cut(string text, int width) =>
        text.Length <= width ? text : width > 1 ? text[..(width - 1)] + "…" : text[..Math.Max(width, 0)];
}
