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

/// <summary>How often one client may ask <c>/lb/what-if</c>: a token bucket. Whoever has the admin token has no limit.</summary>
internal sealed class WhatIfLimit(CallerRoute caller, AdminAccess admin) : IEndpointFilter, IDisposable
{
    /// <summary>As many as somebody who tries things out asks in a row; several people may share an address.</summary>
    public const int MaxAtOnce = 10;

    // With 1,000 nodes a response takes 0.2 s of a processor: once a second, most of it is left for requests.
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
        // By then there is a token.
        response.Headers.RetryAfter = "1";
        return ProblemResponse.Result(StatusCodes.Status429TooManyRequests, "too many questions from your address, ask again in a second");
    }

    public void Dispose() => _limiter.Dispose();
}

/// <summary>How many streams of <c>/lb/events</c> one client may have open, so that nobody has all of them.</summary>
internal sealed class StreamLimit(CallerRoute caller) : IEndpointFilter, IDisposable
{
    /// <summary>A browser has one for all its windows, or at worst six. Several people may share an address.</summary>
    public const int MaxStreams = 16;

    private static readonly ConcurrencyLimiterOptions Places = new() { PermitLimit = MaxStreams };

    // Ours to dispose of: that of the framework's middleware, and with it the application, would stay behind.
    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, ClientAddress>(
        context => RateLimitPartition.GetConcurrencyLimiter(caller.KeyOf(context), _ => Places));

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var place = _limiter.AttemptAcquire(context.HttpContext);
        if (place.IsAcquired)
        {
            return await next(context);
        }

        await EventBroadcast.RefuseAsync(context.HttpContext);
        return Results.Empty;
    }

    public void Dispose() => _limiter.Dispose();
}

/// <summary>A parameter of a query as the bytes that it stands for, for what is compared with bytes of a request: read as text,
/// <c>%C3%A9</c> would become one letter, and <c>%E9</c> none.</summary>
internal static class QueryBytes
{
    /// <param name="query">As it came, with or without its question mark.</param>
    /// <param name="name">Of the parameter.</param>
    /// <returns>Its bytes, as Latin-1; null when it is not there.</returns>
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

    // A % without two digits stands for itself, as it does to the framework.
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

/// <summary>The balancer's own health, for whoever stands in front of it.</summary>
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
