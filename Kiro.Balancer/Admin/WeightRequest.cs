using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin;

/// <summary>The body of <c>POST /lb/backends/{id}/weight</c>.</summary>
/// <param name="Weight">The weight; null for the one that discovery gives the node.</param>
internal sealed record WeightRequest([property: JsonRequired] double? Weight);
