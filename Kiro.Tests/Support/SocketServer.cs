using System.Net.Sockets;
using System.Net;

namespace Kiro.Tests.Support;

/// <summary>A TCP listener that does what the test wants with each connection.</summary>
internal sealed class SocketServer : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _connections;

    /// <param name="serve">Handles a connection, which is closed when it returns.</param>
    /// <param name="address">127.0.0.1 by default.</param>
    /// <param name="port">0 for any free port.</param>
    public SocketServer(Func<NetworkStream, CancellationToken, Task> serve, IPAddress? address = null, int port = 0)
    {
        _listener = new TcpListener(address ?? IPAddress.Loopback, port);
        _listener.Start();
        _accepting = AcceptAsync(serve);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Reads the head of a request and sends these bytes.</summary>
    public static SocketServer Responding(string response, IPAddress? address = null, int port = 0) => new(
        async (stream, stop) =>
        {
            await ReadHead(stream, stop);
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(response), stop);
        },
        address, port);

    public static async Task ReadHead(Stream stream, CancellationToken stop)
    {
        var end = 0;
        var one = new byte[1];
        while (end < 4 && await stream.ReadAsync(one, stop) == 1)
        {
            end = one[0] == "\r\n\r\n"[end] ? end + 1 : one[0] == '\r' ? 1 : 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_accepting.IsCompleted)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync(Func<NetworkStream, CancellationToken, Task> serve)
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                served.Add(ServeAsync(connection, serve));
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task ServeAsync(TcpClient connection, Func<NetworkStream, CancellationToken, Task> serve)
    {
        using (connection)
        {
            try
            {
                await serve(connection.GetStream(), _stop.Token);
            }
            catch (Exception problem) when (problem is OperationCanceledException or IOException)
            {
                // The client disconnected, or the test is over.
            }
        }
    }
}
