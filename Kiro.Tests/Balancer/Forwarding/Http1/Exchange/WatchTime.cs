using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;

/// <summary>A fake clock that reports when a periodic timer waits for it.</summary>
internal sealed class WatchTime : FakeTimeProvider
{
    private readonly TaskCompletionSource _ticking = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when there is such a timer.</summary>
    public Task Ticking => _ticking.Task;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        if (period > TimeSpan.Zero)
        {
            _ticking.TrySetResult();
        }

        return timer;
    }
}
