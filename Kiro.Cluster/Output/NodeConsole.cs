namespace Kiro.Cluster.Output;

/// <summary>
/// The one door to standard output: each line says whose it is, and no two lines mix.
/// </summary>
/// <param name="output">Where the lines go.</param>
/// <param name="names">Who writes, in an order that stays: it decides on width and colours.</param>
/// <param name="colour">True for a terminal that wants colours.</param>
internal sealed class NodeConsole(TextWriter output, IReadOnlyList<string> names, bool colour)
{
    private const string Runner = "cluster";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _prefixes = Prefixes([Runner, .. names], colour);

    /// <summary>A line of a node's own output.</summary>
    public void Line(string name, string text) => Write($"{_prefixes[name]}{text}{Environment.NewLine}");

    /// <summary>A line of the runner's.</summary>
    public void Say(string text) => Line(Runner, text);

    /// <summary>Several lines without a prefix, to be copied from.</summary>
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
                // The terminal is gone, or the reader of our pipe: no reason to leave the nodes alone.
            }
        }
    }

    private static Dictionary<string, string> Prefixes(IReadOnlyList<string> names, bool colour)
    {
        var width = names.Max(name => name.Length);
        return names.Index().ToDictionary(entry => entry.Item, entry => colour
            ? $"{NodeColour.Of(entry.Index)}{entry.Item.PadRight(width)} |{NodeColour.Reset} "
            : $"{entry.Item.PadRight(width)} | ");
    }
}
