namespace Kiro.Api.Health;

/// <summary>The answer to <c>GET /health</c>.</summary>
/// <param name="Status"><c>ok</c>; <c>degraded</c> while the database is away; <c>draining</c> once told to stop.</param>
/// <param name="Node">Who answers.</param>
/// <param name="Database"><c>up</c> or <c>down</c>.</param>
/// <param name="DatabaseKind"><c>mysql</c> or <c>sqlite</c>.</param>
/// <param name="Reason">Why the database is down, else null.</param>
/// <param name="Version">Of the program.</param>
/// <param name="UptimeSeconds">Since the process began.</param>
internal sealed record HealthReport(
    string Status, string Node, string Database, string DatabaseKind, string? Reason, string Version, double UptimeSeconds);
