using System.Collections.Concurrent;
using System.Net.Sockets;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Connections;

/// <summary>An echo server that can be told to close a connection.</summary>
internal sealed class EchoNode : IAsyncDisposable
{
    private readonly SocketServer _server;
    private readonly ConcurrentDictionary<int, NetworkStream> _open = new();
    private int _accepted;

    /// <param name="closesAfter">Asked after every response whether to close the connection.</param>
    public EchoNode(Func<bool>? closesAfter = null)
    {
        _server = new SocketServer(async (stream, stop) =>
        {
            var number = Interlocked.Increment(ref _accepted);
            _open[number] = stream;
            try
            {
                await EchoAsync(stream, closesAfter ?? (() => false), stop);
            }
            finally
            {
                _open.TryRemove(number, out _);
            }
        });
    }

    public int Port => _server.Port;

    /// <summary>In total.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections that have not been closed by both sides.</summary>
    public int Open => _open.Count;

    /// <summary>Sends FIN, and waits for the peer's.</summary>
    /// <param name="number">1 for the first connection.</param>
    public void Close(int number) => _open[number].Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Sends data without a request.</summary>
    public ValueTask SpeakAsync(int number) => _open[number].WriteAsync("unasked"u8.ToArray());

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static async Task EchoAsync(NetworkStream stream, Func<bool> closesAfter, CancellationToken stop)
    {
        var buffer = new byte[1024];
        while (await stream.ReadAsync(buffer, stop) is var count && count > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), stop);
            if (closesAfter())
            {
                return;
            }
        }
    }
}
