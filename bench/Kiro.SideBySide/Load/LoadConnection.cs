using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Kiro.SideBySide.Load;

/// <summary>One client's connection, with at most one outstanding request.</summary>
internal sealed class LoadConnection(int id, IPAddress source, IPEndPoint target, Epoll epoll) : IDisposable
{
    private Socket _socket = null!;
    private ReadOnlyMemory<byte> _unsent;

    public ResponseReader Response { get; } = new();

    /// <summary>When its request was due, in <see cref="Stopwatch"/> ticks.</summary>
    public long Due { get; private set; }

    /// <summary>When its request was sent, in the same ticks.</summary>
    public long Sent { get; private set; }

    public bool IsBusy { get; private set; }

    public void Open()
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _socket.Bind(new IPEndPoint(source, 0));
        _socket.Connect(target);
        _socket.Blocking = false;
        epoll.Add(_socket, id);
        (_unsent, IsBusy) = (default, false);
    }

    public void Send(ReadOnlyMemory<byte> request, long due)
    {
        Response.Reset();
        (Due, Sent, IsBusy, _unsent) = (due, Stopwatch.GetTimestamp(), true, request);
        Flush();
        if (_unsent.Length > 0)
        {
            epoll.AwaitRoom(_socket, id, wanted: true);
        }
    }

    /// <summary>Receives available data.</summary>
    public ResponseState Receive(Span<byte> buffer)
    {
        if (_unsent.Length > 0)
        {
            Flush();
            if (_unsent.Length == 0)
            {
                epoll.AwaitRoom(_socket, id, wanted: false);
            }
        }

        var count = _socket.Receive(buffer, SocketFlags.None, out var error);
        return error switch
        {
            SocketError.WouldBlock => ResponseState.Partial,
            SocketError.Success when count > 0 && IsBusy => Response.Read(buffer[..count]),
            _ => ResponseState.Broken,
        };
    }

    public void Finish() => IsBusy = false;

    public void Dispose() => _socket?.Dispose();

    private void Flush()
    {
        // A lost connection is detected by the next read.
        var sent = _socket.Send(_unsent.Span, SocketFlags.None, out var error);
        _unsent = _unsent[(error == SocketError.Success ? sent : 0)..];
    }
}
