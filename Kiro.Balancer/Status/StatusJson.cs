using System.Text.Json.Serialization;

namespace Kiro.Balancer.Status;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusModel))]
[JsonSerializable(typeof(HealthStatus))]
[JsonSerializable(typeof(AdminAnswer))]
internal sealed partial class StatusJson : JsonSerializerContext;
