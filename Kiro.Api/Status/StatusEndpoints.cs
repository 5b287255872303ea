using Kiro.Api.Callers;
using Kiro.Api.Health;
using Kiro.Api.Ledger;
using Kiro.Api.Nodes;

namespace Kiro.Api.Status;

/// <summary><c>GET /status.html</c> for people, <c>GET /api/status</c> for the page and for programs.</summary>
internal static class StatusEndpoints
{
    public static void MapStatus(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", () => Results.Redirect("/status.html"));
        app.MapGet("/status.html", (HttpResponse response, StatusPage page) =>
        {
            response.Headers.ContentSecurityPolicy = page.Policy;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers.CacheControl = "no-cache";
            return Results.Bytes(page.Html, "text/html; charset=utf-8");
        });
        app.MapGet("/api/status", AnswerAsync);
    }

    private static async Task<IResult> AnswerAsync(
        HttpContext context, NodeHealth health, NodeDirectory directory, LedgerSummary ledger, TimeProvider time)
    {
        context.Response.Headers.CacheControl = "no-store";
        var totals = await ledger.GetAsync();
        var report = health.Report();
        var nodes = directory.Nodes;
        return Results.Json(
            new StatusAnswer(
                report.Node, report.Status, report.Database, report.DatabaseKind, report.Version, report.UptimeSeconds,
                new ClusterAnswer(nodes.Count, nodes.Count(node => node.State == "up"), nodes),
                new CallerAnswer(CallerAddress.Of(context).ToString(), report.Node),
                totals,
                time.GetUtcNow()));
    }
}
