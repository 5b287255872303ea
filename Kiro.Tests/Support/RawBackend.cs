using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Kiro.Tests.Support;

/// <summary>
/// A node that is scripted byte by byte. It responds to probes itself; the head of every other request is recorded and passed
/// to the script, which reads the body and responds, or misbehaves.
/// </summary>
internal sealed class RawBackend : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<RawExchange, Task> _script;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentBag<RawStream> _connections = [];
    private readonly Task _accepting;
    private int _requests;

    public RawBackend(Func<RawExchange, Task> script)
    {
        _script = script;
        (_listener, Port) = Listen();
        _certificate = TestedPath.CertificateOfNode(Port);
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>As it stands in BACKEND_HOSTS.</summary>
    public string Host => $"127.0.0.1:{Port}";

    /// <summary>The heads of all requests except probes.</summary>
    public ConcurrentQueue<string> Heads { get; } = [];

    /// <summary>The number of probes received.</summary>
    public int Probes { get; private set; }

    /// <summary>A node that gives every request the same response.</summary>
    public static RawBackend Responding(string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") =>
        new(async exchange =>
        {
            await exchange.ReadBodyAsync();
            await exchange.WriteAsync(response);
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

    private static (TcpListener Listener, int Port) Listen()
    {
        while (true)
        {
            var port = FreePort.Next();
            var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return (listener, port);
            }
            catch (SocketException problem) when (problem.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // A node that had this port before has been started again.
                listener.Dispose();
            }
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
                _ = ServeAsync(socket);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener was stopped.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            var tls = _certificate is null ? null : new SslStream(new NetworkStream(socket, ownsSocket: true));
            var connection = new RawStream(socket, tls);
            _connections.Add(connection);
            if (tls is not null)
            {
                await tls.AuthenticateAsServerAsync(_certificate!);
            }

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
        catch (Exception end) when (end is IOException or ObjectDisposedException or OperationCanceledException or AuthenticationException)
        {
            // Either side closed the connection; the test asserts the outcome.
        }
    }
}

/// <summary>A request received by a <see cref="RawBackend"/>, its body not read yet.</summary>
/// <param name="Connection">The connection that it came in on.</param>
/// <param name="Head">The request line and the header fields.</param>
/// <param name="Number">1 for the first request to the node.</param>
internal sealed record RawExchange(RawStream Connection, string Head, int Number)
{
    public string? Value(string name) => RawHead.Value(Head, name);

    /// <summary>Reads the body as the head frames it.</summary>
    public async Task<string> ReadBodyAsync()
    {
        if (Value("Transfer-Encoding") == "chunked")
        {
            return (await Connection.ReadChunkedAsync()).Body;
        }

        return await Connection.ReadAsync(long.Parse(Value("Content-Length") ?? "0", CultureInfo.InvariantCulture));
    }

    public Task WriteAsync(string text) => Connection.WriteAsync(text);

    /// <summary>Responds with 200 and this body.</summary>
    public Task OkAsync(string body) =>
        WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");

    public void Close() => Connection.Dispose();

    public void Reset() => Connection.Reset();
}
