using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Tasks.Sources;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>
/// One direction of a backend connection: one operation at a time, which is started first and awaited later, or never.
/// </summary>
internal interface ITransfer : IDisposable
{
    /// <summary>Whether the operation has completed.</summary>
    bool IsCompleted { get; }

    /// <summary>Whether a failed operation certainly moved no byte.</summary>
    bool NothingMoved { get; }

    /// <summary>Starts to receive into, or to send all of, these bytes.</summary>
    void Begin(Memory<byte> bytes);

    /// <summary>Awaits the operation.</summary>
    /// <returns>The number of bytes; 0 when the peer has closed; -1 when the connection is lost.</returns>
    ValueTask<int> Wait();
}

/// <summary>Sends or receives on a socket without allocating.</summary>
/// <param name="socket">Connected; disposed of by its owner.</param>
/// <param name="sends">The direction.</param>
/// <param name="onUnawaited">Called when an operation completes that nobody awaits.</param>
internal sealed class SocketTransfer(Socket socket, bool sends, Action? onUnawaited = null) : SocketAsyncEventArgs(true), ITransfer
{
    private readonly TransferCompletion _completion = new(onUnawaited);

    public bool IsCompleted => _completion.IsCompleted;

    public bool NothingMoved => BytesTransferred == 0;

    public void Begin(Memory<byte> bytes)
    {
        _completion.Begin();
        SetBuffer(bytes);
        try
        {
            if (!(sends ? socket.SendAsync(this) : socket.ReceiveAsync(this)))
            {
                _completion.CompleteSynchronously(Result());
            }
        }
        catch (ObjectDisposedException)
        {
            _completion.CompleteSynchronously(-1);
        }
    }

    public ValueTask<int> Wait() => _completion.Wait();

    protected override void OnCompleted(SocketAsyncEventArgs e) => _completion.Complete(Result());

    private int Result() => SocketError != SocketError.Success ? -1 : BytesTransferred;
}

/// <summary>Sends or receives over TLS.</summary>
/// <param name="stream">Authenticated; disposed of by its owner.</param>
/// <param name="sends">The direction.</param>
/// <param name="onUnawaited">Called when an operation completes that nobody awaits.</param>
internal sealed class TlsTransfer(SslStream stream, bool sends, Action? onUnawaited = null) : ITransfer
{
    private readonly TransferCompletion _completion = new(onUnawaited);

    public bool IsCompleted => _completion.IsCompleted;

    // TLS does not tell what it sent before it failed.
    public bool NothingMoved => false;

    public void Begin(Memory<byte> bytes)
    {
        _completion.Begin();
        var moving = MoveAsync(bytes);
        if (moving.IsCompletedSuccessfully)
        {
            _completion.CompleteSynchronously(moving.Result);
        }
        else
        {
            _ = FinishAsync(moving);
        }
    }

    public ValueTask<int> Wait() => _completion.Wait();

    public void Dispose()
    {
        // The stream, and any operation on it, ends with the connection.
    }

    private async ValueTask<int> MoveAsync(Memory<byte> bytes)
    {
        try
        {
            if (!sends)
            {
                return await stream.ReadAsync(bytes, CancellationToken.None);
            }

            await stream.WriteAsync(bytes, CancellationToken.None);
            return bytes.Length;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or AuthenticationException or InvalidOperationException)
        {
            return -1;
        }
    }

    private async Task FinishAsync(ValueTask<int> moving) => _completion.Complete(await moving);
}

/// <summary>
/// The completion of an operation that is started first and awaited later, or never. Reused without allocating.
/// </summary>
/// <param name="onUnawaited">Called when an operation completes that nobody awaits.</param>
internal sealed class TransferCompletion(Action? onUnawaited) : IValueTaskSource<int>
{
    private static readonly Action<object?> Done = static _ => throw new InvalidOperationException("Awaited twice.");

    private Action<object?>? _continuation = Done;
    private object? _state;
    private int _count;

    /// <summary>Whether the operation has completed.</summary>
    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    /// <summary>Starts an operation.</summary>
    public void Begin() => Volatile.Write(ref _continuation, null);

    /// <summary>Completes synchronously: nobody can be waiting.</summary>
    /// <param name="count">As <see cref="ITransfer.Wait"/> returns it.</param>
    public void CompleteSynchronously(int count)
    {
        _count = count;
        Volatile.Write(ref _continuation, Done);
    }

    /// <summary>Completes; a waiter continues on this thread.</summary>
    /// <param name="count">As <see cref="ITransfer.Wait"/> returns it.</param>
    public void Complete(int count)
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
