namespace Kiro.SideBySide.Load;

/// <summary>What came of a load, within its window.</summary>
/// <param name="Window">How long it really counted.</param>
/// <param name="Answers">Right answers that arrived.</param>
/// <param name="Latencies">Of these: from when the request was due to the last byte of its answer.</param>
/// <param name="Errors">Wrong or missing answers, from the load's start on.</param>
/// <param name="Overdue">Requests of a constant rate that were still waiting for a free connection at the end.</param>
internal sealed record LoadResult(TimeSpan Window, long Answers, LatencyHistogram Latencies, LoadErrors Errors, long Overdue)
{
    public double PerSecond => Answers / Window.TotalSeconds;
}
