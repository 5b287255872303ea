using System.Threading.RateLimiting;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>How often one client may ask <c>/lb/what-if</c>: a token bucket. Whoever has the admin token has no limit.</summary>
internal sealed class WhatIfLimit(CallerRoute caller, AdminAccess admin) : IEndpointFilter, IDisposable
{
    /// <summary>As many as somebody who tries things out asks in a row; several people may share an address.</summary>
    public const int MaxAtOnce = 10;

    // With 1,000 nodes a response takes 0.2 s of a processor: once a second, most of it is left for requests.
    private static readonly TokenBucketRateLimiterOptions Bucket =
        new() { TokenLimit = MaxAtOnce, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(1) };

    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, ClientAddress>(
        context => admin.Judge(context.Request.Headers.Authorization, caller.IpOf(context)) == AdminVerdict.Right
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
