using Spectre.Console;
using Spectre.Console.Rendering;

namespace Kiro.Cluster.View;

/// <summary>Turns what Spectre.Console lays out into lines.</summary>
internal static class FrameText
{
    /// <param name="content">The layout.</param>
    /// <param name="width">In characters.</param>
    /// <param name="colour">Whether the lines may hold colours.</param>
    public static IReadOnlyList<string> Lines(IRenderable content, int width, bool colour)
    {
        using var text = new StringWriter { NewLine = "\n" };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            // What a terminal may do has been found out already, and CI servers are none.
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(content);
        return [.. text.ToString().TrimEnd('\n').Split('\n').Select(line => line.TrimEnd())];
    }
}
