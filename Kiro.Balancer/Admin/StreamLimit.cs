using System.Threading.RateLimiting;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Admin;

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
