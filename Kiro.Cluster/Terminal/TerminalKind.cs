namespace Kiro.Cluster.Terminal;

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
