using Spectre.Console;
using Spectre.Console.Rendering;

namespace Kiro.Cluster.View;

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
