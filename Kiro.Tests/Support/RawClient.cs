using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Kiro.Tests.Support;

/// <summary>An HTTP/1 client that controls every byte it sends and sees every byte it receives.</summary>
internal sealed class RawClient : IDisposable
{
    public RawClient(RawStream stream) => Stream = stream;

    public RawStream Stream { get; }

    /// <param name="port">The port to connect to.</param>
    /// <param name="address">127.0.0.1 by default.</param>
    /// <param name="receiveBuffer">The socket's receive buffer in bytes: small, to see backpressure early.</param>
    public static async Task<RawClient> ConnectAsync(int port, IPAddress? address = null, int? receiveBuffer = null)
    {
        address ??= IPAddress.Loopback;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } size)
        {
            socket.ReceiveBufferSize = size;
        }

        await socket.ConnectAsync(new IPEndPoint(address, port), TestContext.Current.CancellationToken);
        return new RawClient(new RawStream(socket, TestedPath.IsTls ? await OverTlsAsync(new NetworkStream(socket, ownsSocket: true)) : null));
    }

    /// <summary>Performs a TLS handshake with SNI <c>a.example</c>, accepting any certificate.</summary>
    /// <param name="connection">The underlying connection.</param>
    /// <param name="options">Other options of the client.</param>
    public static async Task<SslStream> OverTlsAsync(Stream connection, SslClientAuthenticationOptions? options = null)
    {
        var stream = new SslStream(connection, leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        options ??= new SslClientAuthenticationOptions();
        options.TargetHost = "a.example";
        await stream.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
        return stream;
    }

    /// <summary>Sends one request on a new connection.</summary>
    public static async Task<RawResponse> ExchangeAsync(int port, string request, IPAddress? address = null)
    {
        using var client = await ConnectAsync(port, address);
        await client.SendAsync(request);
        return await client.ReadResponseAsync(isHead: request.StartsWith("HEAD ", StringComparison.Ordinal));
    }

    public Task SendAsync(string text) => Stream.WriteAsync(text);

    /// <summary>Reads a response, framed as in RFC 9112, section 6.3.</summary>
    public async Task<RawResponse> ReadResponseAsync(bool isHead = false)
    {
        var head = await Stream.ReadHeadAsync();
        Assert.True(head is not null, "The connection was closed without a response.");
        return await ReadResponseAsync(head, isHead);
    }

    /// <summary>Reads the rest of a response whose head has been read.</summary>
    public async Task<RawResponse> ReadResponseAsync(string head, bool isHead)
    {
        var response = new RawResponse(head, "", "", IsComplete: true);
        if (isHead || response.Status is < 200 or 204 or 304)
        {
            return response;
        }

        if (response.Value("Transfer-Encoding") == "chunked")
        {
            var (body, trailers, isComplete) = await Stream.ReadChunkedAsync();
            return response with { Body = body, Trailers = trailers, IsComplete = isComplete };
        }

        if (response.Value("Content-Length") is { } length)
        {
            var expected = long.Parse(length, CultureInfo.InvariantCulture);
            var body = await Stream.ReadAsync(expected);
            return response with { Body = body, IsComplete = body.Length == expected };
        }

        return response with { Body = await Stream.ReadToEndAsync() };
    }

    public void Dispose() => Stream.Dispose();
}
