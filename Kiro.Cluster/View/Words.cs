namespace Kiro.Cluster.View;

/// <summary>Truncates text.</summary>
internal static class Words
{
    /// <summary>At most <paramref name="width"/> characters.</summary>
    public static string Cut(string text, int width) =>
        text.Length <= width ? text : width > 1 ? text[..(width - 1)] + "…" : text[..Math.Max(width, 0)];
}
