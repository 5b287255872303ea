using Kiro.Cluster.Output;
using Kiro.Cluster.View;
using Kiro.ServiceDefaults.Printing;

namespace Kiro.Cluster.Live;

/// <summary>Keeps the last log lines for the space below the live table.</summary>
/// <param name="names">The sources of lines, in a fixed order.</param>
/// <param name="colour">Whether to use colour.</param>
/// <param name="written">Called after each line with the name of its source.</param>
internal sealed class LogTail(IReadOnlyList<string> names, bool colour, Action<string> written) : IRunnerOutput
{
    private const int MaxLines = 200;

    private readonly Lock _gate = new();
    private readonly Queue<(string Name, string Text)> _lines = new();
    private readonly IReadOnlyDictionary<string, string> _prefixes = LinePrefix.Of(names, colour);
    private readonly int _prefixWidth = LinePrefix.Width(names) + 3;

    public void Line(string name, string text)
    {
        lock (_gate)
        {
            _lines.Enqueue((name, PrintableText.Of(text)));
            if (_lines.Count > MaxLines)
            {
                _lines.Dequeue();
            }
        }

        written(name);
    }

    public void Say(string text) => Line(LinePrefix.Runner, text);

    /// <summary>Not shown, because the head of the table has the addresses.</summary>
    public void Block(IEnumerable<string> lines)
    {
    }

    /// <summary>The newest lines, the newest last.</summary>
    /// <param name="count">The maximum number.</param>
    /// <param name="width">Longer lines are truncated.</param>
    public IReadOnlyList<string> Last(int count, int width)
    {
        lock (_gate)
        {
            return [.. _lines.TakeLast(count).Select(line => _prefixes[line.Name] + Words.Cut(line.Text, Math.Max(width - _prefixWidth, 1)))];
        }
    }
}
