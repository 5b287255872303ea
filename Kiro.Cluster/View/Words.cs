namespace Kiro.Cluster.View;

/// <summary>Makes words from elsewhere fit to be shown.</summary>
internal static class Words
{
    /// <summary>Without control characters: what a node says must not move our cursor.</summary>
    public static string Printable(string text) => text.Any(char.IsControl)
        ? string.Concat(text.Select(character => char.IsControl(character) ? ' ' : character))
        : text;

    /// <summary>At most <paramref name="width"/> characters.</summary>
    public static string Cut(string text, int width) =>
        text.Length <= width ? text : width > 1 ? text[..(width - 1)] + "…" : text[..Math.Max(width, 0)];
}
