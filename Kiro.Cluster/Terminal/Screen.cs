namespace Kiro.Cluster.Terminal;

/// <summary>
/// The terminal's alternate screen, repainted completely, so that resizing leaves no artefacts and the previous content is
/// restored. Uses xterm control sequences; terminals without an alternate screen use the normal one.
/// </summary>
/// <param name="output">The terminal.</param>
internal sealed class Screen(TextWriter output)
{
    private const string Enter = "\e[?1049h\e[?25l\e[H\e[2J";
    private const string Leave = "\e[H\e[2J\e[?1049l\e[?25h";
    private const string Begin = "\e[?2026h\e[H";
    private const string End = "\e[J\e[?2026l";

    private bool _isEntered;

    /// <summary>Replaces the screen's content.</summary>
    public void Paint(IReadOnlyList<string> lines)
    {
        // No newline after the last line, which would scroll. Erase before writing: after a full-width line some terminals
        // would erase its last character.
        Write((_isEntered ? "" : Enter) + Begin + string.Join("\r\n", lines.Select(line => "\e[2K" + line)) + End);
        _isEntered = true;
    }

    /// <summary>Restores the normal screen and the cursor, and prints these lines.</summary>
    public void Close(IReadOnlyList<string> lines)
    {
        Write((_isEntered ? Leave : "") + string.Concat(lines.Select(line => line + Environment.NewLine)));
        _isEntered = false;
    }

    private void Write(string text)
    {
        try
        {
            output.Write(text);
            output.Flush();
        }
        catch (IOException)
        {
            // The terminal is gone: carry on.
        }
    }
}

/// <summary>The current size of the terminal, in characters.</summary>
internal static class TerminalSize
{
    public static (int Width, int Height) Now()
    {
        try
        {
            // Some terminals report 0.
            return (Console.WindowWidth is > 0 and var width ? width : 80, Console.WindowHeight is > 0 and var height ? height : 24);
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }
}

/// <summary>The capabilities of standard output.</summary>
/// <param name="IsTerminal">Whether it is a terminal with cursor control.</param>
/// <param name="Colour">Whether to use colour.</param>
internal sealed record TerminalKind(bool IsTerminal, bool Colour)
{
    public static TerminalKind Current { get; } = Of(
        Console.IsOutputRedirected,
        Environment.GetEnvironmentVariable("TERM"),
        Environment.GetEnvironmentVariable("NO_COLOR"),
        OperatingSystem.IsWindows());

    /// <param name="isRedirected">Output goes to a file or a pipe.</param>
    /// <param name="term"><c>TERM</c>: <c>dumb</c> means no control sequences.</param>
    /// <param name="noColour"><c>NO_COLOR</c>, see no-color.org: disables colour unless empty.</param>
    /// <param name="isWindows">On Windows <c>TERM</c> is usually unset.</param>
    public static TerminalKind Of(bool isRedirected, string? term, string? noColour, bool isWindows)
    {
        var isTerminal = !isRedirected && term != "dumb" && (isWindows || !string.IsNullOrEmpty(term));
        return new TerminalKind(isTerminal, isTerminal && string.IsNullOrEmpty(noColour));
    }
}
