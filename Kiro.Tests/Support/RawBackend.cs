using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Net;

namespace Kiro.Tests.Support;

/// <summary>
/// A node that is scripted byte by byte. It answers probes by itself; every other request's head is noted and given
/// to the script, which reads the body and answers, or misbehaves.
/// </summary>
internal sealed class RawBackend : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<RawExchange, Task> _script;
    private readonly ConcurrentBag<RawStream> _connections = [];
    private readonly Task _accepting;
    private int _requests;

    public RawBackend(Func<RawExchange, Task> script)
    {
        _script = script;
        Port = FreePort.Next();
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>As it stands in BACKEND_HOSTS.</summary>
    public string Host => $"127.0.0.1:{Port}";

    /// <summary>The heads of all requests that are no probes.</summary>
    public ConcurrentQueue<string> Heads { get; } = [];

    /// <summary>How many probes came.</summary>
    public int Probes { get; private set; }

    /// <summary>A node that answers everything with 200 and the same body.</summary>
    public static RawBackend Answering(string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") =>
        new(async exchange =>
        {
            await exchange.ReadBodyAsync();
            await exchange.WriteAsync(answer);
        });

    /// <summary>Closes the listener and every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(CancellationToken.None);
                socket.NoDelay = true;
                var connection = new RawStream(socket);
                _connections.Add(connection);
                _ = ServeAsync(connection);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped.
        }
    }

    private async Task ServeAsync(RawStream connection)
    {
        try
        {
            while (await connection.ReadHeadAsync() is { } head)
            {
                if (head.StartsWith("GET /health ", StringComparison.Ordinal))
                {
                    Probes++;
                    await connection.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"status\":\"ok\"}");
                    connection.Dispose();
                    return;
                }

                Heads.Enqueue(head);
                await _script(new RawExchange(connection, head, Interlocked.Increment(ref _requests)));
            }
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // Either end closed the connection; the test looks at what came of it.
        }
    }
}
