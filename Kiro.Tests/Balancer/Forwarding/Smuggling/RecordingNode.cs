using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Smuggling;

/// <summary>A node that records every byte, and answers each request that it can parse strictly.</summary>
internal sealed class RecordingNode : IAsyncDisposable
{
    private readonly NodeReader _strict = new();
    private readonly ConcurrentQueue<StringBuilder> _connections = [];
    private readonly SocketServer _server;

    public RecordingNode() => _server = new SocketServer(ServeAsync);

    public string Host => $"127.0.0.1:{_server.Port}";

    public int Port => _server.Port;

    /// <summary>The bytes of each connection, without probes.</summary>
    public IReadOnlyList<string> Connections => [.. _connections.Select(Copy)];

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task ServeAsync(NetworkStream stream, CancellationToken stop)
    {
        var (buffer, text, start) = (new byte[16 * 1024], new StringBuilder(), 0);
        while (await stream.ReadAsync(buffer, stop) is var length && length > 0)
        {
            var piece = Encoding.Latin1.GetString(buffer, 0, length);
            if (piece.StartsWith("GET /health ", StringComparison.Ordinal))
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"status\":\"ok\"}"u8.ToArray(), stop);
                return;
            }

            if (text.Length == 0)
            {
                _connections.Enqueue(text);
            }

            int complete;
            lock (text)
            {
                text.Append(piece);
                _strict.Read(text.ToString(start, text.Length - start), out complete, out var consumed);
                start += consumed;
            }

            for (; complete > 0; complete--)
            {
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray(), stop);
            }
        }
    }

    private static string Copy(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
