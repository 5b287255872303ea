namespace Kiro.SideBySide.Measuring;

internal static class Turns
{
    /// <summary>The order of a round, rotated so that no proxy always follows the same one.</summary>
    public static IEnumerable<T> Of<T>(IReadOnlyList<T> all, int round) =>
        Enumerable.Range(0, all.Count).Select(turn => all[(turn + round) % all.Count]);
}
