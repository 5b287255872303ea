using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Timeline;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClusterEvent))]
internal sealed partial class TimelineJson : JsonSerializerContext;
