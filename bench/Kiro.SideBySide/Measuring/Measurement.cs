using Kiro.SideBySide.Load;

namespace Kiro.SideBySide.Measuring;

/// <summary>The measurement of one proxy in one round.</summary>
/// <param name="Load">Responses, latencies and errors.</param>
/// <param name="ProcessorTime">The CPU time of its processes within the window.</param>
/// <param name="PeakMemory">Peak resident memory, in bytes.</param>
/// <param name="ProportionalMemory">Proportional set size at the end of the window, in bytes.</param>
internal sealed record Measurement(LoadResult Load, TimeSpan ProcessorTime, long PeakMemory, long ProportionalMemory)
{
    /// <summary>CPU time per response, in microseconds.</summary>
    public double ProcessorMicroseconds => ProcessorTime.TotalMicroseconds / Load.Responses;

    /// <summary>The utilisation of its core; if well below 1, the proxy was not the bottleneck.</summary>
    public double Busy => ProcessorTime / Load.Window;

    public double Milliseconds(double percent) => Load.Latencies.Percentile(percent).TotalMilliseconds;
}
