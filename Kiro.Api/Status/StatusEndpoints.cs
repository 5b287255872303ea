using Kiro.Api.Callers;
using Kiro.Api.Health;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;
using Kiro.Api.Problems;
using Kiro.ServiceDefaults.Pages;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api.Status;

/// <summary><c>GET /status.html</c> for people, <c>GET /api/status</c> for the page and for programs.</summary>
internal static class StatusEndpoints
{
    public static void MapStatus(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", () => Results.Redirect("/status.html"));
        app.MapGet("/status.html", (HttpResponse response, HtmlPage page) => page.Answer(response));
        app.MapGet("/api/status", AnswerAsync);
    }

    private static async Task<IResult> AnswerAsync(
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
