using System.Threading.RateLimiting;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Clients;
using Microsoft.AspNetCore.RateLimiting;

namespace Kiro.Balancer.Admin;

/// <summary>How many streams of <c>/lb/events</c> one client may have open, so that nobody has all of them.</summary>
internal sealed class StreamLimit(CallerRoute caller) : IRateLimiterPolicy<ClientAddress>
{
    public const string Name = "event-streams";

    /// <summary>A browser has one for all its windows, or at worst six. Several people may share an address.</summary>
    public const int MostStreams = 16;

    private static readonly ConcurrencyLimiterOptions Places = new() { PermitLimit = MostStreams };

    public Func<OnRejectedContext, CancellationToken, ValueTask>? OnRejected { get; } = (context, _) =>
    {
        EventBroadcast.Refuse(context.HttpContext.Response);
        return ValueTask.CompletedTask;
    };

    public RateLimitPartition<ClientAddress> GetPartition(HttpContext httpContext) =>
        RateLimitPartition.GetConcurrencyLimiter(caller.KeyOf(httpContext), _ => Places);
}
