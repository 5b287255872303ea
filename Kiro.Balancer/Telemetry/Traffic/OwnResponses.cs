using Kiro.Balancer.Backends;

namespace Kiro.Balancer.Telemetry.Traffic;

/// <summary>Counts what the balancer itself answers in place of a node: rare, so one cell is enough for all.</summary>
internal sealed class OwnResponses
{
    private readonly TrafficCell _cell = new();

    /// <summary>From any thread.</summary>
    public void Record(int status) => _cell.RecordOwn(status);

    public TrafficCounts Sum() => TrafficCounts.Of([_cell]);
}
