using System.Net;
using System.Net.Sockets;

namespace Kiro.SideBySide.Load;

/// <summary>A client that asks for much and takes it a little at a time, again and again.</summary>
internal sealed class SlowReader(IPAddress source, IPEndPoint target, ReadOnlyMemory<byte> request) : IDisposable
{
    /// <summary>Between two reads: 80 KB a second for each client.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);

    private const int Piece = 8 * 1024;
    private Socket? _socket;

    /// <summary>Reads a piece; begins anew when there is nothing left.</summary>
    public void Read(byte[] buffer)
    {
        if (_socket is null)
        {
            // With a large buffer the kernel would read in its place.
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
