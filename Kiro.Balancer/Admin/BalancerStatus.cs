namespace Kiro.Balancer.Admin;

/// <summary>The balancer itself.</summary>
/// <param name="Port">Where it listens.</param>
/// <param name="Mode">Where its nodes come from: <c>service-discovery</c>, <c>dns</c>, <c>hosts</c> or <c>local</c>.</param>
/// <param name="Version">Of the program.</param>
/// <param name="State"><c>running</c> or <c>draining</c>.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="UptimeSeconds">Since then.</param>
/// <param name="AdminEnabled">Whether <c>ADMIN_TOKEN</c> is set, so that nodes can be drained, resumed and weighted.</param>
internal sealed record BalancerStatus(
    int Port, string Mode, string Version, string State, DateTimeOffset StartedAt, double UptimeSeconds, bool AdminEnabled);
