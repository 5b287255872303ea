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

/// <summary>A colour for each node, readable on dark and light terminals.</summary>
internal static class NodeColour
{
    public const string Reset = "\e[0m";

    private static readonly int[] Palette = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

    /// <summary>The runner, which is the first, in bold; then the palette, over and over.</summary>
    public static string Of(int index) => index == 0 ? "\e[1m" : $"\e[{Palette[(index - 1) % Palette.Length]}m";
}
