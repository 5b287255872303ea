namespace Kiro.SideBySide.Load;

/// <summary>The result of a load within its window.</summary>
/// <param name="Window">The actual duration of the measurement.</param>
/// <param name="Responses">The number of correct responses.</param>
/// <param name="Latencies">Their latencies, from when the request was due to the last byte of the response.</param>
/// <param name="Errors">Wrong or missing responses, since the start of the load.</param>
/// <param name="Overdue">Due requests of a constant rate that were still waiting for a free connection at the end.</param>
internal sealed record LoadResult(TimeSpan Window, long Responses, LatencyHistogram Latencies, LoadErrors Errors, long Overdue)
{
    public double PerSecond => Responses / Window.TotalSeconds;
}

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
