using Kiro.SideBySide.Load;

namespace Kiro.SideBySide.Measuring;

/// <summary>What one proxy did in one round.</summary>
/// <param name="Load">Answers, latencies and errors.</param>
/// <param name="ProcessorTime">What its processes used within the window.</param>
/// <param name="PeakMemory">The most that was resident, in bytes.</param>
/// <param name="ProportionalMemory">At the window's end, shared pages divided, in bytes.</param>
internal sealed record Measurement(LoadResult Load, TimeSpan ProcessorTime, long PeakMemory, long ProportionalMemory)
{
    /// <summary>Processor time for each answer, in microseconds.</summary>
    public double ProcessorMicroseconds => ProcessorTime.TotalMicroseconds / Load.Answers;

    /// <summary>The part of its core that it used: well below 1, something else was the limit.</summary>
    public double Busy => ProcessorTime / Load.Window;

    public double Milliseconds(double percent) => Load.Latencies.Percentile(percent).TotalMilliseconds;
}
