using System.Net;
using System.Net.Sockets;

namespace Kiro.SideBySide.Load;

/// <summary>A client that repeatedly requests a long response and reads it slowly.</summary>
internal sealed class SlowReader(IPAddress source, IPEndPoint target, ReadOnlyMemory<byte> request) : IDisposable
{
    /// <summary>The time between two reads, for 80 KB/s per client.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private const int Piece = 8 * 1024;
    private Socket? _socket;

    /// <summary>Reads some data; starts a new request at the end.</summary>
    public void Read(byte[] buffer)
    {
        if (_socket is null)
        {
            // A large receive buffer would make the kernel read instead.
            _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = Piece };
            _socket.Bind(new IPEndPoint(source, 0));
            _socket.Connect(target);
            _socket.Send(request.Span);
            _socket.Blocking = false;
            return;
        }

        var count = _socket.Receive(buffer, 0, Piece, SocketFlags.None, out var error);
        if (count == 0 && error != SocketError.WouldBlock)
        {
            Dispose();
        }
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
