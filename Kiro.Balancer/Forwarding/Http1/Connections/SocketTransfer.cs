using System.Net.Sockets;

namespace Kiro.Balancer.Forwarding.Http1.Connections;

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
