namespace Kiro.Balancer.Status;

/// <summary>The body of <c>POST /lb/backends/{id}/weight</c>.</summary>
internal sealed record WeightRequest(double Weight);
