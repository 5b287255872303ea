using System.Net;
using System.Text;

namespace Kiro.SideBySide.Load;

/// <summary>The requests of a load, encoded once and sent in turn.</summary>
internal sealed class RequestBytes
{
    private readonly byte[][] _requests;
    private int _next;

    /// <param name="exchange">The exchange.</param>
    /// <param name="clients">The addresses for X-Forwarded-For, one per request; empty for requests without it.</param>
    /// <param name="closes">Whether each request asks to close the connection.</param>
    public RequestBytes(Exchange exchange, IReadOnlyList<IPAddress> clients, bool closes = false) =>
        _requests = clients.Count == 0 ? [Write(exchange, null, closes)] : [.. clients.Select(client => Write(exchange, client, closes))];

    public ReadOnlyMemory<byte> Next()
    {
        _next = _next + 1 < _requests.Length ? _next + 1 : 0;
        return _requests[_next];
    }

    private static byte[] Write(Exchange exchange, IPAddress? client, bool closes)
    {
        var head = new StringBuilder()
            .Append(null, $"{exchange.Method} {exchange.Path} HTTP/1.1\r\nHost: bench.example\r\n")
            .Append("User-Agent: kiro-bench\r\nAccept: */*\r\n");
        if (client is not null)
        {
            head.Append(null, $"X-Forwarded-For: {client}\r\n");
        }

        if (closes)
        {
            head.Append("Connection: close\r\n");
        }

        if (exchange.RequestBody > 0)
        {
            head.Append(null, $"Content-Type: application/octet-stream\r\nContent-Length: {exchange.RequestBody}\r\n");
        }

        return [.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. exchange.Body()];
    }
}

/// <summary>One request and its expected response.</summary>
/// <param name="Method">GET or POST.</param>
/// <param name="Path">The path.</param>
/// <param name="RequestBody">The length of the request body.</param>
/// <param name="ResponseBody">The expected length of the response body, with status 200.</param>
internal sealed record Exchange(string Method, string Path, int RequestBody, int ResponseBody)
{
    public byte[] Body()
    {
        var body = new byte[RequestBody];
        Array.Fill(body, (byte)'x');
        return body;
    }
}
