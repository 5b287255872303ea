using System.Threading.RateLimiting;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Trust;
using Microsoft.AspNetCore.RateLimiting;

namespace Kiro.Balancer.Admin;

/// <summary>How often one client may ask <c>/lb/what-if</c>: a token bucket. Whoever has the admin token has no limit.</summary>
internal sealed class WhatIfLimit(CallerRoute caller, AdminAccess admin) : IRateLimiterPolicy<ClientAddress?>
{
    public const string Name = "what-if";

    /// <summary>As many as somebody who tries things out asks in a row; several people may share an address.</summary>
    public const int MaxAtOnce = 10;

    // With 1,000 nodes a response takes 0.2 s of a processor: once a second, most of it is left for requests.
    private static readonly TokenBucketRateLimiterOptions Bucket =
        new() { TokenLimit = MaxAtOnce, TokensPerPeriod = 1, ReplenishmentPeriod = TimeSpan.FromSeconds(1) };

    public Func<OnRejectedContext, CancellationToken, ValueTask>? OnRejected { get; } = async (context, _) =>
    {
        var response = context.HttpContext.Response;
        response.Headers.CacheControl = "no-store";
        // By then there is a token.
        response.Headers.RetryAfter = "1";
        await Problem.Result(StatusCodes.Status429TooManyRequests, "too many questions from your address, ask again in a second")
            .ExecuteAsync(context.HttpContext);
    };

    public RateLimitPartition<ClientAddress?> GetPartition(HttpContext httpContext) =>
        admin.Judge(httpContext.Request.Headers.Authorization, caller.IpOf(httpContext)) == AdminVerdict.Right
            ? RateLimitPartition.GetNoLimiter<ClientAddress?>(null)
            : RateLimitPartition.GetTokenBucketLimiter<ClientAddress?>(caller.KeyOf(httpContext), _ => Bucket);
}
