using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>The latest events.</summary>
internal sealed class EventRing
{
    public const int Capacity = 1000;

    private readonly Lock _writing = new();
    private volatile ClusterEvent[] _events = [];
    private volatile TaskCompletionSource _next = NewSignal();
    private long _lastId;

    /// <summary>The id of the newest event restored from an earlier process; 0 if there is none.</summary>
    public long LastRestored { get; private set; }

    /// <summary>The id of the newest event; 0 if there is none.</summary>
    public long LastId => _events is [.., var newest] ? newest.Id : 0;

    /// <summary>Completes with the next event. Must be read before <see cref="Since"/>, or an event may be missed.</summary>
    public Task Next => _next.Task;

    /// <summary>Events after an id, oldest first.</summary>
    public IEnumerable<ClusterEvent> Since(long id) => _events.Where(item => item.Id > id);

    public IReadOnlyList<ClusterEvent> Newest(int count) => [.. _events.Reverse().Take(count)];

    /// <summary>Adds events and assigns their ids.</summary>
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

    /// <summary>Restores the events of an earlier process. Must be called before any event is added.</summary>
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

/// <summary>Saves the events of the last day.</summary>
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
