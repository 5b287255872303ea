namespace Kiro.Cluster.Output;

/// <summary>
/// The one door to standard output: each line says whose it is, and no two lines mix.
/// </summary>
/// <param name="output">Where the lines go.</param>
/// <param name="names">Who writes, in an order that stays: it decides on width and colours.</param>
/// <param name="colour">True for a terminal that wants colours.</param>
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
                // The terminal is gone, or the reader of our pipe: no reason to leave the nodes alone.
            }
        }
    }
}

/// <summary>Where the runner's lines and those of its nodes go. Safe for use by many at the same time.</summary>
internal interface IRunnerOutput
{
    /// <summary>A line of a node's own output.</summary>
    void Line(string name, string text);

    /// <summary>A line of the runner's.</summary>
    void Say(string text);

    /// <summary>Several lines without a prefix, to be copied from.</summary>
    void Block(IEnumerable<string> lines);
}
