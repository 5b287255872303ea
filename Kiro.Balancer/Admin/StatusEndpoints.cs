using System.Text;
using System.Threading.RateLimiting;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Pages;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

internal static class StatusEndpoints
{
    private static readonly string[] Read = [HttpMethods.Get, HttpMethods.Head];

    public static void MapStatus(this WebApplication app)
    {
        // Created now, so that the uptime counts from the start and not from the first request.
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
        app.MapGet("/lb/what-if", AnswerWhatIfAsync).AddEndpointFilter(app.Services.GetRequiredService<WhatIfLimit>());
        // Nothing else under /lb is forwarded, whatever the method: an admin token sent here must not reach a backend.
        app.Map("/lb/{**rest}", () => ProblemResponse.Result(StatusCodes.Status404NotFound, "the balancer has no such path"));
        app.MapMethods("/lb", Read, (HttpResponse response, HtmlPage page) => page.Respond(response));
    }

    private static async Task<IResult> AnswerWhatIfAsync(HttpContext context, CallerRoute caller, BackendRegistry registry, WhatIf whatIf)
    {
        context.Response.Headers.CacheControl = "no-store";
        var (question, problem) = WhatIfQuestion.Read(context.Request.Query, registry.Current);
        if (question is null)
        {
            return ProblemResponse.Result(StatusCodes.Status400BadRequest, problem!);
        }

        if (await whatIf.AnswerAsync(question, caller.SlotOf(context), context.RequestAborted) is { } response)
        {
            return Results.Json(response, ContractJson.Default.WhatIfResponse);
        }

        context.Response.Headers.RetryAfter = "1";
        return ProblemResponse.Result(StatusCodes.Status503ServiceUnavailable, "too many questions at once, ask again");
    }
}

/// <summary>Rate limit of <c>/lb/what-if</c> per client. Requests with the admin token are unlimited.</summary>
internal sealed class WhatIfLimit(CallerRoute caller, AdminAccess admin) : IEndpointFilter, IDisposable
{
    /// <summary>Enough for trying things out; several people may share an address.</summary>
    public const int MaxAtOnce = 10;

    // With 1,000 backends an answer takes 0.2 s of CPU time: at one a second, most is left for requests.
    private static readonly TokenBucketRateLimiterOptions Bucket =
        new() { TokenLimit = MaxAtOnce, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(1) };

    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, ClientAddress>(
        context => admin.Check(context.Request.Headers.Authorization, caller.IpOf(context)) == AdminVerdict.Right
            ? RateLimitPartition.GetNoLimiter(default(ClientAddress))
            : RateLimitPartition.GetTokenBucketLimiter(caller.KeyOf(context), _ => Bucket));

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var token = _limiter.AttemptAcquire(context.HttpContext);
        if (token.IsAcquired)
        {
            return await next(context);
        }

        var response = context.HttpContext.Response;
        response.Headers.CacheControl = "no-store";
        // The bucket gains one token a second.
        response.Headers.RetryAfter = "1";
        return ProblemResponse.Result(StatusCodes.Status429TooManyRequests, "too many questions from your address, ask again in a second");
    }

    public void Dispose() => _limiter.Dispose();
}

/// <summary>Limits the streams of <c>/lb/events</c> per client.</summary>
internal sealed class StreamLimit(CallerRoute caller) : IEndpointFilter, IDisposable
{
    /// <summary>A browser opens one for all its windows, or at worst six. Several people may share an address.</summary>
    public const int MaxStreams = 16;

    private static readonly ConcurrencyLimiterOptions Permits = new() { PermitLimit = MaxStreams };

    // Not the rate-limiting middleware: it does not dispose of its limiter, which would keep the application alive.
    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, ClientAddress>(
        context => RateLimitPartition.GetConcurrencyLimiter(caller.KeyOf(context), _ => Permits));

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var permit = _limiter.AttemptAcquire(context.HttpContext);
        if (permit.IsAcquired)
        {
            return await next(context);
        }

        await EventBroadcast.RefuseAsync(context.HttpContext);
        return Results.Empty;
    }

    public void Dispose() => _limiter.Dispose();
}

/// <summary>Reads a query parameter as bytes, for comparison with bytes of a request: decoded as text, <c>%C3%A9</c> would become one letter, and
/// <c>%E9</c> none.</summary>
internal static class QueryBytes
{
    /// <param name="query">With or without its question mark.</param>
    /// <param name="name">The parameter.</param>
    /// <returns>Its bytes as Latin-1; null if it is missing.</returns>
    public static string? Of(QueryString query, string name)
    {
        var text = query.Value.AsSpan().TrimStart('?');
        foreach (var range in text.Split('&'))
        {
            var parameter = text[range];
            var equals = parameter.IndexOf('=');
            var key = equals < 0 ? parameter : parameter[..equals];
            if (key.SequenceEqual(name))
            {
                return Decode(equals < 0 ? [] : parameter[(equals + 1)..]);
            }
        }

        return null;
    }

    // As in ASP.NET Core, a % without two hexadecimal digits is literal.
    private static string Decode(ReadOnlySpan<char> value)
    {
        var bytes = new StringBuilder(value.Length);
        for (var at = 0; at < value.Length; at++)
        {
            if (value[at] == '%' && at + 2 < value.Length && char.IsAsciiHexDigit(value[at + 1]) && char.IsAsciiHexDigit(value[at + 2]))
            {
                bytes.Append((char)Convert.FromHexString(value.Slice(at + 1, 2))[0]);
                at += 2;
            }
            else
            {
                bytes.Append(value[at] == '+' ? ' ' : value[at]);
            }
        }

        return bytes.ToString();
    }
}

/// <summary>The balancer's own health, for a load balancer or orchestrator in front of it.</summary>
internal sealed class BalancerHealth(BackendRegistry registry, Drain drain)
{
    public IResult Respond()
    {
        var healthy = registry.Current.Backends.Count(backend => backend.State == BackendState.Up);
        var (status, code) = drain is { IsDraining: true, IsReplaced: false } ? ("draining", StatusCodes.Status503ServiceUnavailable)
            : healthy == 0 ? ("error", StatusCodes.Status503ServiceUnavailable)
            : ("ok", StatusCodes.Status200OK);
        return Results.Json(new HealthStatus(status, healthy), ContractJson.Default.HealthStatus, statusCode: code);
    }
}
