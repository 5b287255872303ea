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
    public const int MaxStreams = 16;

    private static readonly ConcurrencyLimiterOptions Places = new() { PermitLimit = MaxStreams };

    public Func<OnRejectedContext, CancellationToken, ValueTask>? OnRejected { get; } = async (context, _) => await EventBroadcast.RefuseAsync(context.HttpContext);

    public RateLimitPartition<ClientAddress> GetPartition(HttpContext httpContext) =>
        RateLimitPartition.GetConcurrencyLimiter(caller.KeyOf(httpContext), _ => Places);
}
