namespace Kiro.Cluster.Output;

/// <summary>What each line of output begins with, to say whose it is.</summary>
internal static class LinePrefix
{
    /// <summary>The name of the runner itself.</summary>
    public const string Runner = "cluster";

    /// <summary>The prefixes by name, all of one width.</summary>
    /// <param name="names">Who writes besides the runner, in an order that stays: it decides on the colours.</param>
    /// <param name="colour">True for a terminal that wants colours.</param>
    public static IReadOnlyDictionary<string, string> Of(IReadOnlyList<string> names, bool colour)
    {
        string[] all = [Runner, .. names];
        var width = Width(names);
        return all.Index().ToDictionary(entry => entry.Item, entry => colour
            ? $"{NodeColour.Of(entry.Index)}{entry.Item.PadRight(width)} |{NodeColour.Reset} "
            : $"{entry.Item.PadRight(width)} | ");
    }

    /// <summary>The width of every name, without the line that follows it.</summary>
    public static int Width(IReadOnlyList<string> names) => names.Append(Runner).Max(name => name.Length);
}
