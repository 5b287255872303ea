using System.Threading.Tasks.Sources;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>The end of a transfer that is begun now and awaited later, or never. Used again for the next one, without an
/// allocation.</summary>
/// <param name="onUnawaited">Called when a transfer ends that nobody awaits.</param>
internal sealed class TransferEnd(Action? onUnawaited) : IValueTaskSource<int>
{
    private static readonly Action<object?> Done = static _ => throw new InvalidOperationException("Awaited twice.");

    private Action<object?>? _continuation = Done;
    private object? _state;
    private int _count;

    /// <summary>Whether what was begun has ended.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    /// <summary>A transfer begins.</summary>
    public void Begin() => Volatile.Write(ref _continuation, null);

    /// <summary>It ended at once: nobody can have begun to wait.</summary>
    /// <param name="count">As <see cref="ITransfer.Wait"/> returns it.</param>
    public void EndAtOnce(int count)
    {
        _count = count;
        Volatile.Write(ref _continuation, Done);
    }

    /// <summary>It ended. Whoever waits goes on in this thread.</summary>
    /// <param name="count">As <see cref="ITransfer.Wait"/> returns it.</param>
    public void End(int count)
    {
        _count = count;
        var continuation = Interlocked.CompareExchange(ref _continuation, Done, null);
        if (continuation is null)
        {
            onUnawaited?.Invoke();
            return;
        }

        var state = _state;
        _state = null;
        Volatile.Write(ref _continuation, Done);
        continuation(state);
    }

    /// <inheritdoc cref="ITransfer.Wait"/>
    public ValueTask<int> Wait() => IsCompleted ? new ValueTask<int>(_count) : new ValueTask<int>(this, 0);

    int IValueTaskSource<int>.GetResult(short token) => _count;

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) =>
        IsCompleted ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        _state = state;
        if (Interlocked.CompareExchange(ref _continuation, continuation, null) is not null)
        {
            _state = null;
            ThreadPool.UnsafeQueueUserWorkItem(continuation, state, preferLocal: true);
        }
    }
}
