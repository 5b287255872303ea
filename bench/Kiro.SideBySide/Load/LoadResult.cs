namespace Kiro.SideBySide.Load;

/// <summary>The result of a load within its window.</summary>
/// <param name="Window">The actual duration of the measurement.</param>
/// <param name="Answers">The number of correct responses.</param>
/// <param name="Latencies">Their latencies, from when the request was due to the last byte of the response.</param>
/// <param name="Errors">Wrong or missing responses, since the start of the load.</param>
/// <param name="Overdue">Due requests of a constant rate that were still waiting for a free connection at the end.</param>
internal sealed record LoadResult(TimeSpan Window, long Answers, LatencyHistogram Latencies, LoadErrors Errors, long Overdue)
{
    public double PerSecond => Answers / Window.TotalSeconds;
}
