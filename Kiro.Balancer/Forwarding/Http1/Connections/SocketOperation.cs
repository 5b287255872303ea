using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// Sends or receives, one operation at a time, without allocating: the event arguments are the task that is awaited.
/// An operation may be begun now and awaited later, or never.
/// </summary>
/// <param name="onUnawaited">Called when an operation ends that nobody awaits.</param>
internal sealed class SocketOperation(Action? onUnawaited = null)
    : SocketAsyncEventArgs(true), IValueTaskSource<int>
{
    private static readonly Action<object?> Done = static _ => throw new InvalidOperationException("Awaited twice.");

    private Action<object?>? _continuation = Done;
    private object? _state;
    private bool _wasClosed;

    /// <summary>Whether the operation that was begun has ended.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    /// <summary>Begins to receive.</summary>
    public void Receive(Socket socket, Memory<byte> buffer)
    {
        Begin(buffer);
        try
        {
            if (!socket.ReceiveAsync(this))
            {
                Volatile.Write(ref _continuation, Done);
            }
        }
        catch (ObjectDisposedException)
        {
            EndClosed();
        }
    }

    /// <summary>Begins to send all of it.</summary>
    public void Send(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        Begin(System.Runtime.InteropServices.MemoryMarshal.AsMemory(bytes));
        try
        {
            if (!socket.SendAsync(this))
            {
                Volatile.Write(ref _continuation, Done);
            }
        }
        catch (ObjectDisposedException)
        {
            EndClosed();
        }
    }

    /// <summary>The end of what was begun.</summary>
    /// <returns>The number of bytes; 0 when the other end has closed; -1 when the connection is lost.</returns>
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

    private void Begin(Memory<byte> buffer)
    {
        _wasClosed = false;
        Volatile.Write(ref _continuation, null);
        SetBuffer(buffer);
    }

    private void EndClosed()
    {
        _wasClosed = true;
        Volatile.Write(ref _continuation, Done);
    }
}
