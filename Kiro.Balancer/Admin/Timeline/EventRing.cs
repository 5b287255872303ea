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
