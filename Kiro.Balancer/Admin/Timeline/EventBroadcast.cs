using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Kiro.Balancer.Admin.Contract;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary><c>GET /lb/events</c>: the timeline as server-sent events. Each stream holds a connection open, so their number is limited; they end
/// when the balancer starts to drain.</summary>
internal sealed class EventBroadcast(EventRing ring, IHostApplicationLifetime lifetime, TimeProvider time)
{
    public const int MaxStreams = 100;

    /// <summary>Interval of keep-alive comments, which keep proxies from timing out.</summary>
    private static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(15);

    /// <summary>Prefix of event ids, which distinguishes them from those before a restart.</summary>
    private readonly string _idPrefix = time.GetUtcNow().UtcTicks.ToString("x", CultureInfo.InvariantCulture) + "-";

    private int _open;

    public async Task ServeAsync(HttpContext context)
    {
        try
        {
            if (Interlocked.Increment(ref _open) > MaxStreams || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                await RefuseAsync(context);
                return;
            }

            // Disables response buffering in nginx.
            context.Response.Headers["X-Accel-Buffering"] = "no";
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            await TypedResults.ServerSentEvents(EventsAsync(context, end.Token)).ExecuteAsync(context);
        }
        catch (OperationCanceledException)
        {
            // The client disconnected, or the balancer drains: the stream ends and browsers reconnect.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    public static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "5";
        return ProblemResponse.Result(StatusCodes.Status503ServiceUnavailable, "too many streams of events are open").ExecuteAsync(context);
    }

    private async IAsyncEnumerable<SseItem<ClusterEvent>> EventsAsync(HttpContext context, [EnumeratorCancellation] CancellationToken end)
    {
        var last = LastSeen(context.Request, ring.LastId);
        // Lines that are not events bypass the formatter, which is between two events here.
        await WriteAsync(context.Response, "retry: 2000\n\n", end);
        while (true)
        {
            var next = ring.Next;
            foreach (var item in ring.Since(last))
            {
                last = item.Id;
                yield return new SseItem<ClusterEvent>(item) { EventId = _idPrefix + item.Id.ToString(CultureInfo.InvariantCulture) };
            }

            await next.WaitAsync(KeepAliveInterval, time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            end.ThrowIfCancellationRequested();
            if (!next.IsCompleted)
            {
                await WriteAsync(context.Response, ": \n\n", end);
            }
        }
    }

    private static async Task WriteAsync(HttpResponse response, string line, CancellationToken end)
    {
        await response.WriteAsync(line, end);
        await response.Body.FlushAsync(end);
    }

    // A reconnecting browser sends the last id that it has seen; one from before a restart counts as none of the new events.
    private long LastSeen(HttpRequest request, long newest)
    {
        var last = request.Headers["Last-Event-ID"].ToString();
        return last.Length == 0 ? newest
            : last.StartsWith(_idPrefix, StringComparison.Ordinal)
                && long.TryParse(last.AsSpan(_idPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? Math.Min(id, newest)
            : ring.LastRestored;
    }
}
