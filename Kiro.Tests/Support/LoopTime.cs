using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Support;

/// <summary>
/// A fake clock for background loops. It advances only while they wait on it, so they see the same times on a
/// busy machine.
/// </summary>
/// <param name="busy">A timer of this length is the timeout of something in progress, not a wait.</param>
internal sealed class LoopTime(TimeSpan? busy = null) : FakeTimeProvider
{
    private readonly ConcurrentDictionary<object, TimeSpan> _waiting = new();

    private bool IsIdle => !_waiting.IsEmpty && !_waiting.Values.Contains(busy ?? TimeSpan.MinValue);

    /// <summary>Advances until <paramref name="condition"/> holds, by at most <paramref name="seconds"/>.</summary>
    /// <returns>Whether the condition came true.</returns>
    public async Task<bool> AdvanceUntil(Func<bool> condition, double seconds, double step = 0.25)
    {
        var end = GetUtcNow() + TimeSpan.FromSeconds(seconds);
        while (!condition())
        {
            if (!IsIdle)
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
            else if (GetUtcNow() < end)
            {
                Advance(TimeSpan.FromSeconds(step));
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Advances by <paramref name="seconds"/> and on until the loops wait again.</summary>
    public Task AdvanceBy(double seconds) => AdvanceUntil(() => false, seconds);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var key = new object();
        Track(key, dueTime);
        return new TrackedTimer(this, key, base.CreateTimer(
            _ =>
            {
                _waiting.TryRemove(key, out TimeSpan _);
                callback(state);
            },
            null, dueTime, period));
    }

    private void Track(object key, TimeSpan dueTime)
    {
        if (dueTime > TimeSpan.Zero)
        {
            _waiting[key] = dueTime;
        }
        else
        {
            _waiting.TryRemove(key, out TimeSpan _);
        }
    }

    private sealed class TrackedTimer(LoopTime time, object key, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time.Track(key, dueTime);
            return timer.Change(dueTime, period);
        }

        public void Dispose()
        {
            time._waiting.TryRemove(key, out TimeSpan _);
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
