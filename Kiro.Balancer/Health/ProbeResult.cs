namespace Kiro.Balancer.Health;

/// <summary>What a probe found.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Latency">Until the answer was complete; null without one.</param>
/// <param name="Error">Why it did not pass, in plain words; null when it did.</param>
/// <param name="Node">The name that the node gave itself, if any.</param>
internal sealed record ProbeResult(ProbeOutcome Outcome, TimeSpan? Latency, string? Error, string? Node);
