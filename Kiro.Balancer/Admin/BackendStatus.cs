namespace Kiro.Balancer.Admin;

/// <summary>A node.</summary>
/// <param name="Id">What is hashed: <c>host:port</c>.</param>
/// <param name="Host">A host name or an address.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Node">The name that it gives itself; null while it is unknown.</param>
/// <param name="State"><c>starting</c>, <c>up</c>, <c>down</c> or <c>draining</c>.</param>
/// <param name="Healthy">Whether it is up.</param>
/// <param name="Reachable">Whether the last probe got any answer.</param>
/// <param name="Latency">The last answered probe, in whole milliseconds, such as <c>2ms</c>.</param>
/// <param name="LatencyMs">The same as a number.</param>
/// <param name="Error">Why it is not simply up, in plain words.</param>
/// <param name="LastCheck">When the last probe ended.</param>
/// <param name="Since">Since when it is in its state.</param>
/// <param name="Weight">Its share relative to the others.</param>
/// <param name="Share">The share of all clients that belong to it now, as a fraction of 1: what to expect.</param>
/// <param name="InFlight">Requests under way at it.</param>
/// <param name="Requests">Requests given to it, each try counted.</param>
/// <param name="Failures">Those that it did not answer.</param>
/// <param name="RequestsPerSecond">Over the last ten seconds.</param>
/// <param name="Clients">How many of the recent clients belong to it now: what it is.</param>
/// <param name="OperatorWeight">The weight that an operator gave it; null when none did.</param>
/// <param name="DrainedByOperator">Whether an operator wants it to drain.</param>
/// <param name="HasBeenUp">Whether it was ever up: one that was not is awaited rather than missed.</param>
/// <param name="LatencyHistory">The last probes in milliseconds, oldest first; null for one that got no answer.</param>
internal sealed record BackendStatus(
    string Id,
    string Host,
    int Port,
    string? Node,
    string State,
    bool Healthy,
    bool Reachable,
    string? Latency,
    double? LatencyMs,
    string? Error,
    DateTimeOffset? LastCheck,
    DateTimeOffset Since,
    double Weight,
    double Share,
    int InFlight,
    long Requests,
    long Failures,
    double RequestsPerSecond,
    long Clients,
    double? OperatorWeight,
    bool DrainedByOperator,
    bool HasBeenUp,
    IReadOnlyList<double?> LatencyHistory);
