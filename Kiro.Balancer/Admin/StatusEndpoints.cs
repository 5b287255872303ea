using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Pages;

namespace Kiro.Balancer.Admin;

internal static class StatusEndpoints
{
    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    public static void MapStatus(this WebApplication app)
    {
        // Made now, so that the uptime counts from the start and not from the first visit.
        var report = app.Services.GetRequiredService<StatusReport>();
        app.MapMethods("/lb/status", Read, (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            return Results.Json(report.For(context), ContractJson.Default.StatusModel);
        });
        app.MapMethods("/lb/history", Read, (HttpResponse response, TrafficWatch traffic) =>
        {
            response.Headers.CacheControl = "no-store";
            return Results.Json(TrafficReport.History(traffic.All), ContractJson.Default.HistoryResponse);
        });
        app.MapMethods("/lb/timeline", Read, (HttpResponse response, EventRing events) =>
        {
            response.Headers.CacheControl = "no-store";
            return Results.Json([.. events.Newest(EventRing.Capacity)], ContractJson.Default.ClusterEventArray);
        });
        app.MapMethods("/lb/route", Read, (HttpContext context, string? client, CallerRoute routes, BackendRegistry registry) =>
        {
            var key = QueryBytes.Of(context.Request.QueryString, "key");
            context.Response.Headers.CacheControl = "no-store";
            var (route, problem) = client is null && key is null
                ? (routes.Of(context, registry.Current), null) : routes.Of(client, key, registry.Current);
            return route is null
                ? ProblemResponse.Result(StatusCodes.Status400BadRequest, problem!) : Results.Json(route, ContractJson.Default.ClientStatus);
        });
        app.MapGet("/lb/events", (HttpContext context, EventBroadcast events) => events.ServeAsync(context))
            .AddEndpointFilter(app.Services.GetRequiredService<StreamLimit>());
        app.MapGet("/lb/what-if", AskWhatIfAsync).AddEndpointFilter(app.Services.GetRequiredService<WhatIfLimit>());
        // Nothing below is a node's business, whatever the method: a token that was sent here must not get there.
        app.Map("/lb/{**rest}", () => ProblemResponse.Result(StatusCodes.Status404NotFound, "the balancer has nothing here"));
        app.MapMethods("/lb", Read, (HttpResponse response, HtmlPage page) => page.Respond(response));
    }

    private static async Task<IResult> AskWhatIfAsync(HttpContext context, CallerRoute caller, BackendRegistry registry, WhatIf whatIf)
    {
        context.Response.Headers.CacheControl = "no-store";
        var (question, problem) = WhatIfQuestion.Read(context.Request.Query, registry.Current);
        if (question is null)
        {
            return ProblemResponse.Result(StatusCodes.Status400BadRequest, problem!);
        }

        if (await whatIf.AskAsync(question, caller.SlotOf(context), context.RequestAborted) is { } response)
        {
            return Results.Json(response, ContractJson.Default.WhatIfResponse);
        }

        context.Response.Headers.RetryAfter = "1";
        return ProblemResponse.Result(StatusCodes.Status503ServiceUnavailable, "too many questions at once, ask again");
    }
}
