namespace Kiro.Balancer.Admin;

/// <summary>The answer of the admin endpoints.</summary>
internal sealed record AdminAnswer(string Id, string? State, string? Error);
