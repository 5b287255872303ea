using Kiro.Api.Database;
using Kiro.Api.Nodes;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Api.Health;

/// <summary>How this node is, from memory: a probe never waits for the database.</summary>
internal sealed class NodeHealth(NodeIdentity node, DatabaseState database, SqlDialect dialect, Drain drain, TimeProvider time)
{
    public HealthReport Report()
    {
        var verdict = database.Current;
        return new HealthReport(
            drain.IsDraining ? "draining" : verdict.Up ? "ok" : "degraded",
            node.Name, verdict.Word, dialect.Kind, verdict.Reason, node.Version, node.UptimeSeconds(time));
    }

    /// <summary>Without its database a node still serves, so only one that is leaving is not healthy.</summary>
    public IResult Respond()
    {
        var report = Report();
        return Results.Json(
            report,
            statusCode: report.Status == "draining" ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }
}

/// <summary>The response to <c>GET /health</c>.</summary>
/// <param name="Status"><c>ok</c>; <c>degraded</c> while the database is away; <c>draining</c> once told to stop.</param>
/// <param name="Node">Who answers.</param>
/// <param name="Database"><c>up</c> or <c>down</c>.</param>
/// <param name="DatabaseKind"><c>mysql</c> or <c>sqlite</c>.</param>
/// <param name="Reason">Why the database is down, else null.</param>
/// <param name="Version">Of the program.</param>
/// <param name="UptimeSeconds">Since the process began.</param>
/// <param name="Concurrent">That it serves requests at the same time: a slow one does not explain silence.</param>
internal sealed record HealthReport(
    string Status, string Node, string Database, string DatabaseKind, string? Reason, string Version, double UptimeSeconds, bool Concurrent = true);
