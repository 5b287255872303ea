using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>The events of the last day, in the state; at most as many as the timeline has.</summary>
internal sealed class TimelinePart(EventRing ring, TimeProvider time) : IStatePart
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(1);

    public string Name => "events";

    public void Write(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, OfLastDay(ring.Since(0)), ContractJson.Default.ClusterEventArray);

    public Action Read(JsonElement saved, TimeSpan age)
    {
        var events = OfLastDay(saved.Deserialize(ContractJson.Default.ClusterEventArray) ?? []);
        return () => ring.Restore(events);
    }

    private ClusterEvent[] OfLastDay(IEnumerable<ClusterEvent> events)
    {
        var first = time.GetUtcNow() - MaxAge;
        return [.. events.Where(item => item.Time > first)];
    }
}
