namespace Kiro.SideBySide.Load;

/// <summary>What went wrong with a load's requests.</summary>
/// <param name="Status">Answers with another status than 200.</param>
/// <param name="Length">Answers with a body of another length.</param>
/// <param name="Broken">Answers that were no HTTP, and connections lost without notice.</param>
/// <param name="Missing">Requests without an answer for more than two seconds at the end.</param>
internal readonly record struct LoadErrors(long Status, long Length, long Broken, long Missing)
{
    public long Total => Status + Length + Broken + Missing;

    public static LoadErrors operator +(LoadErrors one, LoadErrors other) =>
        new(one.Status + other.Status, one.Length + other.Length, one.Broken + other.Broken, one.Missing + other.Missing);

    public override string ToString() =>
        $"{Total} errors ({Status} by status, {Length} by length, {Broken} broken, {Missing} missing)";
}
