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
