using System.Text.Json.Serialization;
using Kiro.Api.Callers;
using Kiro.Api.Health;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Kiro.Api.Problems;
using Kiro.ServiceDefaults.Pages;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api.Status;

/// <summary><c>GET /status.html</c>, and <c>GET /api/status</c> with its data.</summary>
internal static class StatusEndpoints
{
    public static void MapStatus(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", () => Results.Redirect("/status.html"));
        app.MapGet("/status.html", (HttpResponse response, HtmlPage page) => page.Respond(response));
        app.MapGet("/api/status", RespondAsync);
    }

    private static async Task<IResult> RespondAsync(
        HttpContext context, AdminAccess admin, NodeHealth health, NodeDirectory directory, LedgerSummary ledger, TimeProvider time)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Problem.OfToken(context, admin, out var verdict) is { } refusal)
        {
            return refusal;
        }

        var totals = await ledger.GetAsync();
        var report = health.Report();
        var nodes = directory.Nodes;
        return Results.Json(
            new StatusResponse(
                report.Node, report.Status, report.Database, report.DatabaseKind, report.Version, report.UptimeSeconds,
                new ClusterResponse(nodes.Count, nodes.Count(node => node.State == "up"),
                    [.. nodes.Select(node => NodeSummary.Of(node, isAdmin: verdict == AdminVerdict.Right))]),
                new CallerResponse(CallerAddress.Of(context).ToString(), report.Node),
                totals,
                time.GetUtcNow()));
    }
}

/// <summary>The data of the status page. It is public, so it does not include why a database is down.</summary>
/// <param name="Node">The responding node.</param>
/// <param name="Status">As in /health.</param>
/// <param name="Database"><c>up</c> or <c>down</c>.</param>
/// <param name="DatabaseKind"><c>mysql</c> or <c>sqlite</c>.</param>
/// <param name="Version">The program's version.</param>
/// <param name="UptimeSeconds">Seconds since the process started.</param>
/// <param name="Cluster">All nodes.</param>
/// <param name="Client">The caller's own route.</param>
/// <param name="Ledger">Null while the database is unavailable.</param>
/// <param name="Timestamp">When the data was collected.</param>
internal sealed record StatusResponse(
    string Node, string Status, string Database, string DatabaseKind, string Version, double UptimeSeconds,
    ClusterResponse Cluster, CallerResponse Client, LedgerTotals? Ledger, DateTimeOffset Timestamp);

/// <summary>The cluster, and how many of its nodes are up.</summary>
internal sealed record ClusterResponse(int Total, int Up, IReadOnlyList<NodeSummary> Nodes);

/// <summary>The public view of a node.</summary>
/// <param name="Name">Its name.</param>
/// <param name="State">As in <see cref="NodeResponse"/>.</param>
/// <param name="Address">Only with the admin token, otherwise omitted.</param>
internal sealed record NodeSummary(
    string Name, string State, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Address)
{
    public static NodeSummary Of(NodeResponse node, bool isAdmin) => new(node.Name, node.State, isAdmin ? node.Address : null);
}
