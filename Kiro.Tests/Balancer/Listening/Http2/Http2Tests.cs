using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Kiro.Balancer.Forwarding.Yarp;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Http2;

/// <summary>HTTP/2 from clients without TLS (<c>H2C=on</c>), on the same port as HTTP/1.1.</summary>
public class Http2Tests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_WithPriorKnowledge_IsForwardedBesideHttp1()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        foreach (var version in (string[])["2.0", "1.1", "2.0"])
        {
            using var response = await SendAsync(balancer, HttpMethod.Post, "/", version, new StringContent("hello"));
            Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version.ToString()));
            Assert.Contains("\"Body\":\"hello\"", await response.Content.ReadAsStringAsync(Cancel), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Requests_ManyAtOnce_AllComeBack()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        var sent = Enumerable.Range(0, 200).Select(async number =>
        {
            using var response = await SendAsync(balancer, HttpMethod.Post, $"/{number}", "2.0", new StringContent($"body {number}"));
            return await response.Content.ReadAsStringAsync(Cancel);
        });
        var bodies = await Task.WhenAll(sent);
        Assert.All(bodies.Index(), one => Assert.Contains($"\"body {one.Index}\"", one.Item, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bodies_LargerThanAllWindows_PassBothWays()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        const int Length = 5_000_000;
        using var down = await SendAsync(balancer, HttpMethod.Get, $"/bytes/{Length}", "2.0");
        Assert.Equal(Length, (await down.Content.ReadAsByteArrayAsync(Cancel)).Length);
        byte[] body = [.. Enumerable.Range(0, 20).SelectMany(_ => TestBackendRoutes.Block)];
        foreach (var content in (HttpContent[])[new ByteArrayContent(body), new StreamContent(new MemoryStream(body)) { Headers = { ContentLength = null } }])
        {
            using var up = await SendAsync(balancer, HttpMethod.Put, "/count", "2.0", content);
            Assert.Equal(TestBackendRoutes.Count(body.Length), await up.Content.ReadAsStringAsync(Cancel));
        }
    }

    [Fact]
    public async Task Trailers_OfAnHttp1Node_ArriveAsTrailers()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using var response = await SendAsync(balancer, HttpMethod.Get, "/trailers", "2.0");
        Assert.Equal("hello", await response.Content.ReadAsStringAsync(Cancel));
        Assert.Equal("42", Assert.Single(response.TrailingHeaders.GetValues("X-Sum")));
    }

    [Fact]
    public async Task Events_Arrive()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using var response = await SendAsync(balancer, HttpMethod.Get, "/events", "2.0");
        Assert.Equal("data: 1\n\ndata: 2\n\ndata: 3\n\n", await response.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task WebSocket_OverHttp2_IsForwarded()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using var socket = new ClientWebSocket { Options = { HttpVersion = HttpVersion.Version20, HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact } };
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{balancer.Port}/socket"), http, Cancel);
        for (var number = 0; number < 3; number++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"hello {number}"), WebSocketMessageType.Text, true, Cancel);
            var buffer = new byte[64];
            var received = await socket.ReceiveAsync(buffer.AsMemory(), Cancel);
            Assert.Equal($"hello {number}", Encoding.UTF8.GetString(buffer, 0, received.Count));
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", Cancel);
    }

    [Fact]
    public async Task Drain_EndsTheConnectionAndNoRequest()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on", "DRAIN_DELAY=2");
        var connections = 0;
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                Interlocked.Increment(ref connections);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        })
        { BaseAddress = balancer.Http.BaseAddress };
        var held = SendAsync(http, HttpMethod.Get, "/hold", "2.0");
        await Eventually.BeTrue(() => !node.Arrived.IsEmpty, "the request is at the node");
        var stopping = balancer.StopAsync();
        // The first one uses the existing connection and triggers GOAWAY; the others need a new one.
        await Eventually.BeTrue(
            async () =>
            {
                using var other = await SendAsync(http, HttpMethod.Get, "/", "2.0");
                return other.StatusCode == HttpStatusCode.OK && Volatile.Read(ref connections) > 1;
            },
            "the client comes over another connection");
        node.Hold.Release();
        using var response = await held;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await stopping;
    }

    [Theory]
    [InlineData("H2C=off", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("H2C=on", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")]
    [InlineData("H2C=on", "PRI * HTTP/1.1\r\nHost: a.example\r\n\r\n")]
    public async Task Preface_ThatIsNoneHere_IsRefused(string setting, string bytes)
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, setting);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, balancer.Port, Cancel);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(bytes), Cancel);
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, Cancel);
        Assert.DoesNotContain("200", Encoding.Latin1.GetString(all.ToArray()), StringComparison.Ordinal);
        Assert.Empty(node.Arrived);
    }

    [Fact]
    public async Task Scheme_OfAProxyThatTookTlsOff_IsTakenAndBelievedByNobody()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        // :scheme is https on a connection without TLS.
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, balancer.Port, cancellationToken);
                return new HttpsSchemeStream(new NetworkStream(socket, ownsSocket: true));
            },
        })
        { BaseAddress = new Uri("http://a.example") };
        using var response = await SendAsync(http, HttpMethod.Get, "/", "2.0");
        Assert.Contains("\"X-Forwarded-Proto\":\"http\"", await response.Content.ReadAsStringAsync(Cancel), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Preface_InPieces_IsUnderstood()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "H2C=on");
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, balancer.Port, Cancel);
        var stream = client.GetStream();
        foreach (var one in "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray())
        {
            await stream.WriteAsync(new[] { one }, Cancel);
            await Task.Yield();
        }

        // The client's empty SETTINGS; the server answers with its own (RFC 9113, section 6.5).
        await stream.WriteAsync(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0 }, Cancel);
        var head = new byte[9];
        await stream.ReadExactlyAsync(head, Cancel);
        Assert.Equal(4, head[3]);
    }

    private static Task<HttpResponseMessage> SendAsync(
        TestBalancer balancer, HttpMethod method, string target, string version, HttpContent? content = null) =>
        SendAsync(balancer.Http, method, target, version, content);

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient http, HttpMethod method, string target, string version, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, target)
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        return await http.SendAsync(request, Cancel);
    }
}

/// <summary>The same on the lean path.</summary>
[OverLean]
public sealed class Http2TestsOverLean : Http2Tests;

/// <summary>The same with YARP.</summary>
[OverYarp]
public sealed class Http2TestsOverYarp : Http2Tests;
