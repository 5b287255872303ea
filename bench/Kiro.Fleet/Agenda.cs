using Microsoft.Extensions.Time.Testing;

namespace Kiro.Fleet;

/// <summary>What happens when, in simulated time. Things due at the same time happen in the order in which they were noted.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Action, (TimeSpan Due, long Order)> _items = new();
    private readonly DateTimeOffset _start;
    private long _noted;

    public Agenda() => _start = Time.GetUtcNow();

    /// <summary>The clock of everything that takes part.</summary>
    public FakeTimeProvider Time { get; } = new();

    /// <summary>Since the start.</summary>
    public TimeSpan Now => Time.GetUtcNow() - _start;

    public void At(TimeSpan due, Action action) => _items.Enqueue(action, (due, _noted++));

    public void In(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Lets all happen that is due until then.</summary>
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
