using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>The latest events. Older ones are forgotten, so that years of running do not add up.</summary>
internal sealed class EventRing
{
    public const int Capacity = 1000;

    private readonly Lock _writing = new();
    private volatile ClusterEvent[] _events = [];
    private volatile TaskCompletionSource _next = NewSignal();
    private long _lastId;

    /// <summary>The id of the newest event that this process did not see itself; 0 when there is none.</summary>
    public long LastRestored { get; private set; }

    /// <summary>The id of the newest event; 0 when there is none.</summary>
    public long LastId => _events is [.., var newest] ? newest.Id : 0;

    /// <summary>Ends when the next event is there. Ask for it before <see cref="Since"/>, or one may be missed.</summary>
    public Task Next => _next.Task;

    /// <summary>Those after an id, oldest first.</summary>
    public IEnumerable<ClusterEvent> Since(long id) => _events.Where(item => item.Id > id);

    /// <summary>The newest ones, newest first.</summary>
    public IReadOnlyList<ClusterEvent> Newest(int count) => [.. _events.Reverse().Take(count)];

    /// <summary>Adds events that happened at once; each gets its id here.</summary>
    public void Add(IEnumerable<ClusterEvent> events)
    {
        lock (_writing)
        {
            _events = [.. _events.Concat(events.Select(item => item with { Id = ++_lastId })).TakeLast(Capacity)];
            var signal = _next;
            _next = NewSignal();
            signal.SetResult();
        }
    }

    /// <summary>Takes over what an earlier process saw. Before anything is added.</summary>
    public void Restore(IEnumerable<ClusterEvent> events)
    {
        lock (_writing)
        {
            _events = [];
            _lastId = 0;
        }

        Add(events);
        LastRestored = LastId;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The events of the last day, in the state; at most as many as the timeline has.</summary>
internal sealed class TimelinePart(EventRing ring, TimeProvider time) : IStatePart
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(1);

    public string Name => "events";

    public void Write(Utf8JsonWriter writer) => JsonSerializer.Serialize(writer, OfLastDay(ring.Since(0)), ContractJson.Default.ClusterEventArray);

    public Action Read(JsonElement saved, TimeSpan age)
    {
        var events = OfLastDay(saved.Deserialize(ContractJson.Default.ClusterEventArray) ?? []);
        return () => ring.Restore(events);
    }

    private ClusterEvent[] OfLastDay(IEnumerable<ClusterEvent> events)
    {
        var first = time.GetUtcNow() - MaxAge;
        return [.. events.Where(item => item.Time > first)];
    }
}

/// <summary>
/// <c>GET /lb/events</c>: the timeline as server-sent events, as it happens. Streams are few, since each holds a
/// connection open, and end when the balancer begins to drain.
/// </summary>
internal sealed class EventBroadcast(EventRing ring, IHostApplicationLifetime lifetime, TimeProvider time)
{
    public const int MaxStreams = 100;

    /// <summary>Tells both ends and whatever is between them that the other one is still there.</summary>
    private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(15);

    /// <summary>Makes ids unlike those of this balancer before a restart, which count from 1, too.</summary>
    private readonly string _start = time.GetUtcNow().UtcTicks.ToString("x", CultureInfo.InvariantCulture) + "-";

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

            // nginx would collect the events until there are enough of them.
            context.Response.Headers["X-Accel-Buffering"] = "no";
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            await TypedResults.ServerSentEvents(EventsAsync(context, end.Token)).ExecuteAsync(context);
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
    public static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "5";
        return ProblemResponse.Result(StatusCodes.Status503ServiceUnavailable, "too many streams of events are open").ExecuteAsync(context);
    }

    private async IAsyncEnumerable<SseItem<ClusterEvent>> EventsAsync(HttpContext context, [EnumeratorCancellation] CancellationToken end)
    {
        var last = LastSeen(context.Request, ring.LastId);
        // What is no event goes past the formatter, which is between two items whenever it waits here.
        await SayAsync(context.Response, "retry: 2000\n\n", end);
        while (true)
        {
            var next = ring.Next;
            foreach (var item in ring.Since(last))
            {
                last = item.Id;
                yield return new SseItem<ClusterEvent>(item) { EventId = _start + item.Id.ToString(CultureInfo.InvariantCulture) };
            }

            await next.WaitAsync(SignOfLife, time, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            end.ThrowIfCancellationRequested();
            if (!next.IsCompleted)
            {
                await SayAsync(context.Response, ": \n\n", end);
            }
        }
    }

    private static async Task SayAsync(HttpResponse response, string line, CancellationToken end)
    {
        await response.WriteAsync(line, end);
        await response.Body.FlushAsync(end);
    }

    // A browser that comes back says what it saw last; after a restart of the balancer it has seen nothing yet.
    private long LastSeen(HttpRequest request, long newest)
    {
        var last = request.Headers["Last-Event-ID"].ToString();
        return last.Length == 0 ? newest
            : last.StartsWith(_start, StringComparison.Ordinal)
                && long.TryParse(last.AsSpan(_start.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? Math.Min(id, newest)
            : ring.LastRestored;
    }
}
