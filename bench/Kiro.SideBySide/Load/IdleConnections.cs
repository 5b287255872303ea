using System.Net;
using System.Net.Sockets;

namespace Kiro.SideBySide.Load;

/// <summary>Idle connections that have sent one request.</summary>
internal sealed class IdleConnections : IDisposable
{
    private readonly List<Socket> _sockets = [];

    /// <exception cref="InvalidOperationException">A connection is refused or gets no response.</exception>
    public IdleConnections(IReadOnlyList<IPAddress> sources, IPEndPoint target, ReadOnlyMemory<byte> request)
    {
        var buffer = new byte[64 * 1024];
        foreach (var source in sources)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000 };
            _sockets.Add(socket);
            try
            {
                socket.Bind(new IPEndPoint(source, 0));
                socket.Connect(target);
                socket.Send(request.Span);
                if (socket.Receive(buffer) == 0)
                {
                    throw new SocketException((int)SocketError.ConnectionReset);
                }
            }
            catch (SocketException problem)
            {
                var count = _sockets.Count;
                Dispose();
                throw new InvalidOperationException($"idle connection {count} of {sources.Count}: {problem.Message}", problem);
            }
        }
    }

    public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
}
