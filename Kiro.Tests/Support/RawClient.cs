using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Kiro.Tests.Support;

/// <summary>A client that sends exact bytes and reads exact bytes.</summary>
internal sealed class RawClient : IDisposable
{
    /// <param name="stream">Its connection.</param>
    public RawClient(RawStream stream) => Stream = stream;

    public RawStream Stream { get; }

    /// <param name="port">On this machine.</param>
    /// <param name="address">IPv4 loopback unless given.</param>
    /// <param name="receiveBuffer">In bytes, for a client that is to be easy to fill up.</param>
    public static async Task<RawClient> ConnectAsync(int port, IPAddress? address = null, int? receiveBuffer = null)
    {
        address ??= IPAddress.Loopback;
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (receiveBuffer is { } size)
        {
            socket.ReceiveBufferSize = size;
        }

        await socket.ConnectAsync(new IPEndPoint(address, port), TestContext.Current.CancellationToken);
        return new RawClient(new RawStream(socket, TestedPath.IsTls ? await ByTlsAsync(new NetworkStream(socket, ownsSocket: true)) : null));
    }

    /// <summary>Shakes hands as who asks for <c>a.example</c>, and believes whatever certificate is shown.</summary>
    /// <param name="connection">What is below.</param>
    /// <param name="options">What else the client wants.</param>
    public static async Task<SslStream> ByTlsAsync(Stream connection, SslClientAuthenticationOptions? options = null)
    {
        var stream = new SslStream(connection, leaveInnerStreamOpen: false, (_, shown, _, _) => shown is not null);
        options ??= new SslClientAuthenticationOptions();
        options.TargetHost = "a.example";
        await stream.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken);
        return stream;
    }

    /// <summary>One request over a connection of its own.</summary>
    public static async Task<RawResponse> ExchangeAsync(int port, string request, IPAddress? address = null)
    {
        using var client = await ConnectAsync(port, address);
        await client.SendAsync(request);
        return await client.ReadAnswerAsync(isHead: request.StartsWith("HEAD ", StringComparison.Ordinal));
    }

    public Task SendAsync(string text) => Stream.WriteAsync(text);

    /// <summary>Reads a response by the rules of RFC 9112, section 6.3.</summary>
    public async Task<RawResponse> ReadAnswerAsync(bool isHead = false)
    {
        var head = await Stream.ReadHeadAsync();
        Assert.True(head is not null, "The connection ended without a response.");
        return await ReadAnswerAsync(head, isHead);
    }

    /// <summary>The same, when its head was read before.</summary>
    public async Task<RawResponse> ReadAnswerAsync(string head, bool isHead)
    {
        var answer = new RawResponse(head, "", "", IsComplete: true);
        if (isHead || answer.Status is < 200 or 204 or 304)
        {
            return answer;
        }

        if (answer.Value("Transfer-Encoding") == "chunked")
        {
            var (body, trailers, isComplete) = await Stream.ReadChunkedAsync();
            return answer with { Body = body, Trailers = trailers, IsComplete = isComplete };
        }

        if (answer.Value("Content-Length") is { } length)
        {
            var expected = long.Parse(length, CultureInfo.InvariantCulture);
            var body = await Stream.ReadAsync(expected);
            return answer with { Body = body, IsComplete = body.Length == expected };
        }

        return answer with { Body = await Stream.ReadToEndAsync() };
    }

    public void Dispose() => Stream.Dispose();
}
