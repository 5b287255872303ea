namespace Kiro.Cluster.Terminal;

/// <summary>
/// The terminal's other screen, painted over and over, so that a change of its size leaves no remains and what stood
/// there before comes back. Control sequences as in xterm; a terminal without another screen shows all of it in one.
/// </summary>
/// <param name="output">The terminal.</param>
internal sealed class Screen(TextWriter output)
{
    private const string Enter = "\e[?1049h\e[?25l\e[H\e[2J";
    private const string Leave = "\e[H\e[2J\e[?1049l\e[?25h";
    private const string Begin = "\e[?2026h\e[H";
    private const string End = "\e[J\e[?2026l";

    private bool _isEntered;

    /// <summary>Shows these lines, and nothing else.</summary>
    public void Paint(IReadOnlyList<string> lines)
    {
        // No line end after the last line: it would push the first one out. Erased first, not last: after a line as wide as
        // the terminal some would take its last character away.
        Write((_isEntered ? "" : Enter) + Begin + string.Join("\r\n", lines.Select(line => "\e[2K" + line)) + End);
        _isEntered = true;
    }

    /// <summary>Back to the screen from before, with the cursor, where these lines stay.</summary>
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
            // The terminal is gone: no reason to leave what else there is to do.
        }
    }
}

/// <summary>The size of the terminal at this moment, in characters.</summary>
internal static class TerminalSize
{
    public static (int Width, int Height) Now()
    {
        try
        {
            // A terminal that does not know its size says 0.
            return (Console.WindowWidth is > 0 and var width ? width : 80, Console.WindowHeight is > 0 and var height ? height : 24);
        }
        catch (IOException)
        {
            return (80, 24);
        }
    }
}

/// <summary>What standard output is, as far as it matters here.</summary>
/// <param name="IsTerminal">Somebody looks at it, and the cursor can be moved.</param>
/// <param name="Colour">Colours are wanted.</param>
internal sealed record TerminalKind(bool IsTerminal, bool Colour)
{
    public static TerminalKind Current { get; } = Of(
        Console.IsOutputRedirected,
        Environment.GetEnvironmentVariable("TERM"),
        Environment.GetEnvironmentVariable("NO_COLOR"),
        OperatingSystem.IsWindows());

    /// <param name="isRedirected">Output goes to a file or a pipe.</param>
    /// <param name="term"><c>TERM</c>: <c>dumb</c> says that the terminal can do nothing.</param>
    /// <param name="noColour"><c>NO_COLOR</c>, see no-color.org: set and not empty turns colours off.</param>
    /// <param name="isWindows">Where <c>TERM</c> is not usual.</param>
    public static TerminalKind Of(bool isRedirected, string? term, string? noColour, bool isWindows)
    {
        var isTerminal = !isRedirected && term != "dumb" && (isWindows || !string.IsNullOrEmpty(term));
        return new TerminalKind(isTerminal, isTerminal && string.IsNullOrEmpty(noColour));
    }
}
