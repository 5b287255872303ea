using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Threading.Tasks.Sources;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>One direction of a connection to a node: one operation at a time, which is begun now and awaited later, or never.</summary>
internal interface ITransfer : IDisposable
{
    /// <summary>Whether the operation that was begun has ended.</summary>
    bool IsCompleted { get; }

    /// <summary>An operation that failed had certainly not moved a byte.</summary>
    bool NothingMoved { get; }

    /// <summary>Begins to receive into, or to send all of, these bytes.</summary>
    void Begin(Memory<byte> bytes);

    /// <summary>The end of what was begun.</summary>
    /// <returns>The number of bytes; 0 when the other end has closed; -1 when the connection is lost.</returns>
    ValueTask<int> Wait();
}

/// <summary>Sends or receives over a socket without allocating.</summary>
/// <param name="socket">Connected; its owner disposes of it.</param>
/// <param name="sends">The direction.</param>
/// <param name="onUnawaited">Called when an operation ends that nobody awaits.</param>
internal sealed class SocketTransfer(Socket socket, bool sends, Action? onUnawaited = null) : SocketAsyncEventArgs(true), ITransfer
{
    private readonly TransferEnd _end = new(onUnawaited);

    public bool IsCompleted => _end.IsCompleted;

    public bool NothingMoved => BytesTransferred == 0;

    public void Begin(Memory<byte> bytes)
    {
        _end.Begin();
        SetBuffer(bytes);
        try
        {
            if (!(sends ? socket.SendAsync(this) : socket.ReceiveAsync(this)))
            {
                _end.EndAtOnce(Moved());
            }
        }
        catch (ObjectDisposedException)
        {
            _end.EndAtOnce(-1);
        }
    }

    public ValueTask<int> Wait() => _end.Wait();

    protected override void OnCompleted(SocketAsyncEventArgs e) => _end.End(Moved());

    private int Moved() => SocketError != SocketError.Success ? -1 : BytesTransferred;
}

/// <summary>Sends or receives over TLS.</summary>
/// <param name="stream">Authenticated; its owner disposes of it.</param>
/// <param name="sends">The direction.</param>
/// <param name="onUnawaited">Called when an operation ends that nobody awaits.</param>
internal sealed class TlsTransfer(SslStream stream, bool sends, Action? onUnawaited = null) : ITransfer
{
    private readonly TransferEnd _end = new(onUnawaited);

    public bool IsCompleted => _end.IsCompleted;

    // What TLS has given to the network before it failed, it does not say.
    public bool NothingMoved => false;

    public void Begin(Memory<byte> bytes)
    {
        _end.Begin();
        var moving = MoveAsync(bytes);
        if (moving.IsCompletedSuccessfully)
        {
            _end.EndAtOnce(moving.Result);
        }
        else
        {
            _ = FinishAsync(moving);
        }
    }

    public ValueTask<int> Wait() => _end.Wait();

    public void Dispose()
    {
        // The stream, and with it what is under way, ends with the connection.
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
        catch (Exception lost) when (lost is IOException or ObjectDisposedException or AuthenticationException or InvalidOperationException)
        {
            return -1;
        }
    }

    private async Task FinishAsync(ValueTask<int> moving) => _end.End(await moving);
}

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
