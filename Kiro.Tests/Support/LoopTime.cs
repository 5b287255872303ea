using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Support;

/// <summary>
/// A fake clock for background loops: it moves on only while they wait for it, so that the times that they see are
/// the same on a machine that has something else to do.
/// </summary>
/// <param name="busy">A timer of this length means that something is under way, and no waiting; a timeout, say.</param>
internal sealed class LoopTime(TimeSpan? busy = null) : FakeTimeProvider
{
    private readonly ConcurrentDictionary<object, TimeSpan> _waiting = new();

    private bool IsQuiet => !_waiting.IsEmpty && !_waiting.Values.Contains(busy ?? TimeSpan.MinValue);

    /// <summary>Advances until <paramref name="condition"/> holds, at most <paramref name="seconds"/>.</summary>
    /// <returns>Whether the condition came true.</returns>
    public async Task<bool> AdvanceUntil(Func<bool> condition, double seconds, double step = 0.25)
    {
        var end = GetUtcNow() + TimeSpan.FromSeconds(seconds);
        while (!condition())
        {
            if (!IsQuiet)
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

    /// <summary>Advances by all of <paramref name="seconds"/>, and to the next wait.</summary>
    public Task AdvanceBy(double seconds) => AdvanceUntil(() => false, seconds);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var key = new object();
        Note(key, dueTime);
        return new Watched(this, key, base.CreateTimer(
            _ =>
            {
                _waiting.TryRemove(key, out TimeSpan _);
                callback(state);
            },
            null, dueTime, period));
    }

    private void Note(object key, TimeSpan dueTime)
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

    private sealed class Watched(LoopTime time, object key, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time.Note(key, dueTime);
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
