namespace Kiro.SideBySide.Load;

/// <summary>The errors of a load's requests.</summary>
/// <param name="Status">Responses with a status other than 200.</param>
/// <param name="Length">Responses with a wrong body length.</param>
/// <param name="Broken">Invalid responses and lost connections.</param>
/// <param name="Missing">Requests without a response for more than two seconds at the end.</param>
internal readonly record struct LoadErrors(long Status, long Length, long Broken, long Missing)
{
    public long Total => Status + Length + Broken + Missing;

    public static LoadErrors operator +(LoadErrors one, LoadErrors other) =>
        new(one.Status + other.Status, one.Length + other.Length, one.Broken + other.Broken, one.Missing + other.Missing);

    public override string ToString() =>
        $"{Total} errors ({Status} by status, {Length} by length, {Broken} broken, {Missing} missing)";
}
