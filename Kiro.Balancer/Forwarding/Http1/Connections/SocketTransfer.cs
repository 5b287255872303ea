using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// Sends or receives over a socket without allocating: the event arguments are the task that is awaited.
/// </summary>
/// <param name="socket">Connected; its owner disposes of it.</param>
/// <param name="sends">The direction.</param>
/// <param name="onUnawaited">Called when an operation ends that nobody awaits.</param>
internal sealed class SocketTransfer(Socket socket, bool sends, Action? onUnawaited = null)
    : SocketAsyncEventArgs(true), ITransfer, IValueTaskSource<int>
{
    private static readonly Action<object?> Done = static _ => throw new InvalidOperationException("Awaited twice.");

    private Action<object?>? _continuation = Done;
    private object? _state;
    private bool _wasClosed;

    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    public bool NothingMoved => BytesTransferred == 0;

    public void Begin(Memory<byte> bytes)
    {
        _wasClosed = false;
        Volatile.Write(ref _continuation, null);
        SetBuffer(bytes);
        try
        {
            if (!(sends ? socket.SendAsync(this) : socket.ReceiveAsync(this)))
            {
                Volatile.Write(ref _continuation, Done);
            }
        }
        catch (ObjectDisposedException)
        {
            _wasClosed = true;
            Volatile.Write(ref _continuation, Done);
        }
    }

    public ValueTask<int> Wait() => IsCompleted ? new ValueTask<int>(Result) : new ValueTask<int>(this, 0);

    int IValueTaskSource<int>.GetResult(short token) => Result;

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

    protected override void OnCompleted(SocketAsyncEventArgs e)
    {
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

    private int Result => _wasClosed || SocketError != SocketError.Success ? -1 : BytesTransferred;
}
