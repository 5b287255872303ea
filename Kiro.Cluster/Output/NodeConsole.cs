namespace Kiro.Cluster.Output;

/// <summary>
/// Serialises all output: lines are prefixed with their source and never interleave.
/// </summary>
/// <param name="output">The output.</param>
/// <param name="names">The sources of lines, in a fixed order that determines width and colours.</param>
/// <param name="colour">Whether to use colour.</param>
internal sealed class NodeConsole(TextWriter output, IReadOnlyList<string> names, bool colour) : IRunnerOutput
{
    private readonly Lock _gate = new();
    private readonly IReadOnlyDictionary<string, string> _prefixes = LinePrefix.Of(names, colour);

    public void Line(string name, string text) => Write($"{_prefixes[name]}{text}{Environment.NewLine}");

    public void Say(string text) => Line(LinePrefix.Runner, text);

    public void Block(IEnumerable<string> lines) =>
        Write(string.Concat(lines.Select(line => line + Environment.NewLine)));

    private void Write(string text)
    {
        lock (_gate)
        {
            try
            {
                output.Write(text);
                output.Flush();
            }
            catch (IOException)
            {
                // The terminal, or the reader of our pipe, is gone: keep the nodes running.
            }
        }
    }
}

/// <summary>The output of the runner and its nodes. Thread-safe.</summary>
internal interface IRunnerOutput
{
    /// <summary>Writes a line of a node's output.</summary>
    void Line(string name, string text);

    /// <summary>Writes a line of the runner.</summary>
    void Say(string text);

    /// <summary>Writes lines without a prefix, for copying.</summary>
    void Block(IEnumerable<string> lines);
}

/// <summary>The prefix of each output line, which names its source.</summary>
internal static class LinePrefix
{
    /// <summary>The runner's own name.</summary>
    public const string Runner = "cluster";

    /// <summary>The prefixes by name, all of the same width.</summary>
    /// <param name="names">The sources besides the runner, in a fixed order that determines the colours.</param>
    /// <param name="colour">Whether to use colour.</param>
    public static IReadOnlyDictionary<string, string> Of(IReadOnlyList<string> names, bool colour)
    {
        string[] all = [Runner, .. names];
        var width = Width(names);
        return all.Index().ToDictionary(entry => entry.Item, entry => colour
            ? $"{NodeColour.Of(entry.Index)}{entry.Item.PadRight(width)} |{NodeColour.Reset} "
            : $"{entry.Item.PadRight(width)} | ");
    }

    /// <summary>The width of the names, without the separator.</summary>
    public static int Width(IReadOnlyList<string> names) => names.Append(Runner).Max(name => name.Length);
}

/// <summary>A colour for each node, readable on dark and light terminals.</summary>
internal static class NodeColour
{
    public const string Reset = "\e[0m";

    private static readonly int[] Palette = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

    /// <summary>Bold for the runner, which is the first; then the palette, repeated.</summary>
    public static string Of(int index) => index == 0 ? "\e[1m" : $"\e[{Palette[(index - 1) % Palette.Length]}m";
}
