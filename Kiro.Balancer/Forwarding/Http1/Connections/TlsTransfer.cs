using System.Net.Security;
using System.Security.Authentication;
using System.Threading.Tasks.Sources;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

/// <summary>Sends or receives over TLS.</summary>
/// <param name="stream">Authenticated; its owner disposes of it.</param>
/// <param name="sends">The direction.</param>
/// <param name="onUnawaited">Called when an operation ends that nobody awaits.</param>
internal sealed class TlsTransfer(SslStream stream, bool sends, Action? onUnawaited = null) : ITransfer, IValueTaskSource<int>
{
    private static readonly Action<object?> Done = static _ => throw new InvalidOperationException("Awaited twice.");

    private Action<object?>? _continuation = Done;
    private object? _state;
    private int _count;

    public bool IsCompleted => ReferenceEquals(Volatile.Read(ref _continuation), Done);

    // What TLS has given to the network before it failed, it does not say.
    public bool NothingMoved => false;

    public void Begin(Memory<byte> bytes)
    {
        Volatile.Write(ref _continuation, null);
        var moving = MoveAsync(bytes);
        if (moving.IsCompletedSuccessfully)
        {
            _count = moving.Result;
            Volatile.Write(ref _continuation, Done);
        }
        else
        {
            _ = FinishAsync(moving);
        }
    }

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

    private async Task FinishAsync(ValueTask<int> moving)
    {
        _count = await moving;
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
}
