namespace Kiro.Cluster.Output;

/// <summary>A colour for each node, readable on dark and light terminals.</summary>
internal static class NodeColour
{
    public const string Reset = "\e[0m";

    private static readonly int[] Palette = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];

    /// <summary>The runner, which is the first, in bold; then the palette, over and over.</summary>
    public static string Of(int index) => index == 0 ? "\e[1m" : $"\e[{Palette[(index - 1) % Palette.Length]}m";
}
