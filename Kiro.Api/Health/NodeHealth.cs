using Kiro.Api.Database;
using Kiro.Api.Nodes;
using Kiro.ServiceDefaults.Hosting;

namespace Kiro.Api.Health;

/// <summary>The node's health, from memory, so that probes never wait for the database.</summary>
internal sealed class NodeHealth(NodeIdentity node, DatabaseState database, SqlDialect dialect, Drain drain, TimeProvider time)
{
    public HealthReport Report()
    {
        var current = database.Current;
        return new HealthReport(
            drain.IsDraining ? "draining" : current.Up ? "ok" : "degraded",
            node.Name, current.Word, dialect.Kind, current.Reason, node.Version, node.UptimeSeconds(time));
    }

    /// <summary>A node still serves without its database, so it is only unhealthy while it shuts down.</summary>
    public IResult Respond()
    {
        var report = Report();
        return Results.Json(
            report,
            statusCode: report.Status == "draining" ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }
}

/// <summary>The response to <c>GET /health</c>.</summary>
/// <param name="Status"><c>ok</c>; <c>degraded</c> while the database is unavailable; <c>draining</c> during shutdown.</param>
/// <param name="Node">The responding node.</param>
/// <param name="Database"><c>up</c> or <c>down</c>.</param>
/// <param name="DatabaseKind"><c>mysql</c> or <c>sqlite</c>.</param>
/// <param name="Reason">Why the database is down, otherwise null.</param>
/// <param name="Version">The program's version.</param>
/// <param name="UptimeSeconds">Seconds since the process started.</param>
/// <param name="Concurrent">True, because it serves requests concurrently, so that a slow one does not explain silence.</param>
internal sealed record HealthReport(
    string Status, string Node, string Database, string DatabaseKind, string? Reason, string Version, double UptimeSeconds, bool Concurrent = true);
