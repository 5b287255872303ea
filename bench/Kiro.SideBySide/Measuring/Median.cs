namespace Kiro.SideBySide.Measuring;

internal static class Median
{
    /// <returns>The median, or null without values.</returns>
    public static double? Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
