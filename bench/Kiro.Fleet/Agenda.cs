using Microsoft.Extensions.Time.Testing;

namespace Kiro.Fleet;

/// <summary>Schedules events in simulated time. Simultaneous events happen in the order in which they were scheduled.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Action, (TimeSpan Due, long Order)> _items = new();
    private readonly DateTimeOffset _start;
    private long _noted;

    public Agenda() => _start = Time.GetUtcNow();

    /// <summary>The shared clock.</summary>
    public FakeTimeProvider Time { get; } = new();

    /// <summary>The time since the start.</summary>
    public TimeSpan Now => Time.GetUtcNow() - _start;

    public void At(TimeSpan due, Action action) => _items.Enqueue(action, (due, _noted++));

    public void In(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Runs all events that are due until then.</summary>
    public void RunUntil(TimeSpan end)
    {
        while (_items.TryPeek(out _, out var priority) && priority.Due <= end)
        {
            var action = _items.Dequeue();
            AdvanceTo(priority.Due);
            action();
        }

        AdvanceTo(end);
    }

    private void AdvanceTo(TimeSpan due)
    {
        if (due > Now)
        {
            Time.Advance(due - Now);
        }
    }
}
