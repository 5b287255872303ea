namespace Kiro.Balancer.Backends;

/// <summary>Ends a wait early, of one who waits. Signals that nobody waits for are remembered as one.</summary>
internal sealed class WakeSignal
{
    private TaskCompletionSource _signal = NewSignal();

    public void Set() => Volatile.Read(ref _signal).TrySetResult();

    /// <summary>Waits for a signal, at most <paramref name="limit"/>.</summary>
    /// <returns>True when it was a signal that ended the wait.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async Task<bool> WaitAsync(TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var signal = Volatile.Read(ref _signal);
        if (!signal.Task.IsCompleted)
        {
            // No exception at the limit: a thousand nodes' probes end in it all the time, and each throw costs as much as a probe.
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(signal.Task, Task.Delay(limit, time, over.Token));
            cancellationToken.ThrowIfCancellationRequested();
            if (signal.Task.IsCompleted)
            {
                await over.CancelAsync();
            }
        }

        return signal.Task.IsCompleted && Interlocked.CompareExchange(ref _signal, NewSignal(), signal) == signal;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
