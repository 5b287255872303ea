using System.Text;

namespace Kiro.SideBySide.Reports;

/// <summary>A table for the terminal and for Markdown: the first column is text, as is the last; the others are figures.</summary>
internal sealed class TextTable(params IReadOnlyList<string> titles)
{
    private readonly List<IReadOnlyList<string>> _rows = [];

    public void Add(params IReadOnlyList<string> cells) => _rows.Add(cells);

    public string ToTerminal()
    {
        var widths = Enumerable.Range(0, titles.Count).Select(column => _rows.Append(titles).Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in _rows.Prepend(titles))
        {
            var cells = row.Select((cell, column) => IsText(column) ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }

        return text.ToString();
    }

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(Line(titles)).AppendLine(Line([.. titles.Select((_, column) => IsText(column) ? "---" : "---:")]));
        _rows.ForEach(row => text.AppendLine(Line(row)));
        return text.ToString();
    }

    private static string Line(IReadOnlyList<string> cells) => $"| {string.Join(" | ", cells)} |";

    private bool IsText(int column) => column == 0 || titles[column] is "note" or "goal" or "met";
}
