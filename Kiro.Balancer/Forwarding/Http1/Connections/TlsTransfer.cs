using System.Net.Security;
using System.Security.Authentication;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

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
