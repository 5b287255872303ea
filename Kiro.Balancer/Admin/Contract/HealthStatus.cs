using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>The response of <c>GET /health</c>.</summary>
internal sealed record HealthStatus(string Status, [property: JsonPropertyName("healthy_backends")] int HealthyBackends);
