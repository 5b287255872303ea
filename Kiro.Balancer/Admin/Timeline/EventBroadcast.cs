using System.Globalization;
using System.Text.Json;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>
/// <c>GET /lb/events</c>: the timeline as server-sent events, as it happens. Streams are few, since each holds a
/// connection open, and end when the balancer begins to drain.
/// </summary>
internal sealed class EventBroadcast(EventRing ring, IHostApplicationLifetime lifetime, TimeProvider time)
{
    public const int MostStreams = 100;

    /// <summary>Tells both ends and whatever is between them that the other one is still there.</summary>
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(15);

    /// <summary>Makes ids unlike those of this balancer before a restart, which count from 1, too.</summary>
    private readonly string _start = time.GetUtcNow().UtcTicks.ToString("x", CultureInfo.InvariantCulture) + "-";

    private int _open;

    public async Task ServeAsync(HttpContext context)
    {
        try
        {
            if (Interlocked.Increment(ref _open) > MostStreams || lifetime.ApplicationStopping.IsCancellationRequested)
            {
                Refuse(context.Response);
                return;
            }

            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            await StreamAsync(context, end.Token);
        }
        catch (OperationCanceledException)
        {
            // The client went away, or the balancer drains: the stream ends, and a browser asks again.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    /// <summary>No stream now, perhaps later.</summary>
    public static void Refuse(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.Headers.RetryAfter = "5";
    }

    private async Task StreamAsync(HttpContext context, CancellationToken end)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        // nginx would collect the events until there are enough of them.
        response.Headers["X-Accel-Buffering"] = "no";
        var last = LastSeen(context.Request, ring.LastId);
        await response.WriteAsync("retry: 2000\n\n", end);
        while (true)
        {
            var next = ring.Next;
            foreach (var item in ring.Since(last))
            {
                last = item.Id;
                await response.WriteAsync($"id: {_start}{item.Id}\ndata: {JsonSerializer.Serialize(item, TimelineJson.Default.ClusterEvent)}\n\n", end);
            }

            await response.Body.FlushAsync(end);
            await next.WaitAsync(SignOfLife, time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            end.ThrowIfCancellationRequested();
            if (!next.IsCompleted)
            {
                await response.WriteAsync(": \n\n", end);
            }
        }
    }

    // A browser that comes back says what it saw last; after a restart of the balancer it has seen nothing yet.
    private long LastSeen(HttpRequest request, long newest)
    {
        var last = request.Headers["Last-Event-ID"].ToString();
        return last.Length == 0 ? newest
            : last.StartsWith(_start, StringComparison.Ordinal)
                && long.TryParse(last.AsSpan(_start.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? Math.Min(id, newest)
            : 0;
    }
}
