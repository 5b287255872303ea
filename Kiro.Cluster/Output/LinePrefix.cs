namespace Kiro.Cluster.Output;

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
