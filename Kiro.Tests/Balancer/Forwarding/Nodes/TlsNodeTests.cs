using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Kiro.Tests.Balancer.Forwarding.Nodes;

/// <summary>TLS to the nodes, with real handshakes.</summary>
public class TlsNodeTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http1")]
    [InlineData("h2c")]
    public async Task Request_OfEveryKind_IsForwarded(string protocol)
    {
        await using var node = await StartAsync(protocol);
        await using var balancer = await TestBalancer.StartAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}", $"BACKEND_PROTOCOL={protocol}");

        for (var number = 0; number < 5; number++)
        {
            Assert.Contains($"\"Body\":\"{number}\"", await PostAsync(balancer, $"{number}"), StringComparison.OrdinalIgnoreCase);
        }

        const int Length = 3_000_000;
        Assert.Equal(Length, (await balancer.Http.GetByteArrayAsync($"/bytes/{Length}", Cancel)).Length);
        using var upload = new ByteArrayContent([.. Enumerable.Range(0, 10).SelectMany(_ => TestBackendRoutes.Block)]);
        using var counted = await balancer.Http.PostAsync("/count", upload, Cancel);
        Assert.Equal(TestBackendRoutes.Count(10L * TestBackendRoutes.Block.Length), await counted.Content.ReadAsStringAsync(Cancel));
        using var missing = await balancer.Http.GetAsync("/status/404", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        Assert.Equal(1, balancer.Backend(node.Port).Runtime.Traffic.Connects);
    }

    [Fact]
    public async Task Request_TheClientsHost_ReachesTheNode()
    {
        await using var node = await StartAsync("h2c");
        await using var balancer = await TestBalancer.StartAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}", "BACKEND_PROTOCOL=h2c");
        foreach (var host in (string[])["a.example", "b.example", "c.example:8080"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.Host = host;
            using var response = await balancer.Http.SendAsync(request, Cancel);
            Assert.Contains($"\"Host\":\"{host}\"", await response.Content.ReadAsStringAsync(Cancel), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("http1")]
    [InlineData("h2c")]
    public async Task WebSocket_ToATlsNode_IsForwarded(string protocol)
    {
        await using var node = await StartAsync(protocol);
        await using var balancer = await TestBalancer.StartAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}", $"BACKEND_PROTOCOL={protocol}");
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{balancer.Port}/socket"), Cancel);
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, Cancel);
        var buffer = new byte[16];
        var received = await socket.ReceiveAsync(buffer.AsMemory(), Cancel);
        Assert.True(buffer.AsSpan(0, received.Count).SequenceEqual("hello"u8));
    }

    [Fact]
    public async Task Name_ThatIsSet_IsAskedForAndVerified()
    {
        await using var node = await TestBackend.StartAsync(listen: listen => listen.UseHttps(_authority.Issue(["api.internal"])));
        await using var balancer = await TestBalancer.StartAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}", "BACKEND_TLS_NAME=api.internal");
        Assert.Contains("\"Body\":\"x\"", await PostAsync(balancer, "x"), StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("expired", "its certificate expired on ")]
    [InlineData("early", "its certificate is not valid before ")]
    [InlineData("name", "its certificate is for other.example, not for 127.0.0.1")]
    [InlineData("issuer", "its certificate was issued by an unknown CA, Stranger")]
    [InlineData("plain", "it does not speak TLS on that port")]
    public async Task Handshake_ThatFails_HasItsReasonOnThePage(string kind, string reason)
    {
        using var stranger = new TestAuthority("Stranger");
        await using var node = await TestBackend.StartAsync(listen: listen => Listen(listen, kind, stranger));
        await using var balancer = await TestBalancer.StartUnreadyAsync($"https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}");

        await Eventually.BeTrue(async () => (await ErrorAsync(balancer))?.StartsWith("TLS handshake failed: " + reason, StringComparison.Ordinal) == true, reason);
        using var response = await balancer.Http.GetAsync("/", Cancel);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains(reason, await response.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handshake_ThatNeverEnds_LeavesTheRequestToAnotherNode()
    {
        await using var silent = new SocketServer((_, stop) => Task.Delay(Timeout.Infinite, stop));
        await using var node = await StartAsync("http1");
        await using var balancer = await TestBalancer.StartUnreadyAsync(
            $"https://127.0.0.1:{silent.Port},https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}", "CONNECT_TIMEOUT=0.2");
        await Eventually.BeTrue(async () => (await balancer.Http.GetStringAsync("/lb/status", Cancel)).Contains("\"healthy\":1", StringComparison.Ordinal), "one of two is up");
        using var request = balancer.Request(HttpMethod.Post, "/", silent.Port, new StringContent("x"));
        using var response = await balancer.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Node_ThatDies_IsFollowedByAnother()
    {
        await using var first = await StartAsync("http1");
        await using var second = await StartAsync("http1");
        await using var balancer = await TestBalancer.StartAsync(
            $"https://127.0.0.1:{first.Port},https://127.0.0.1:{second.Port}", $"BACKEND_CA={_authority.File}");
        for (var number = 0; number < 20; number++)
        {
            if (number == 5)
            {
                await first.StopAsync();
            }

            using var request = balancer.Request(HttpMethod.Get, "/", first.Port);
            using var response = await balancer.Http.SendAsync(request, Cancel);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("-tls1_2", "node.example", "Reused")]
    [InlineData("-tls1_3", "node.example", "Reused")]
    // .NET does not resume sessions of IP addresses.
    [InlineData("-tls1_3", "127.0.0.1", "New")]
    public async Task Session_OfANodeThatIsCalledByName_IsResumed(string version, string name, string expected)
    {
        await using var node = new OpenSslNode(_authority.Issue([name]), version);
        await using var balancer = await TestBalancer.StartAsync(
            $"https://127.0.0.1:{node.Port}", $"BACKEND_CA={_authority.File}", $"BACKEND_TLS_NAME={name}", "HEALTH_INTERVAL=3600");

        // Each response of this server closes its connection, and says whether the session was resumed.
        var page = "";
        for (var number = 0; number < 3; number++)
        {
            page = await balancer.Http.GetStringAsync("/", Cancel);
        }

        Assert.Contains($"\n{expected}, TLSv1", page, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _authority.Dispose();
        GC.SuppressFinalize(this);
    }

    private Task<TestBackend> StartAsync(string protocol) => TestBackend.StartAsync(listen: listen =>
    {
        listen.Protocols = protocol == "http1" ? HttpProtocols.Http1 : HttpProtocols.Http2;
        listen.UseHttps(_authority.Issue(["127.0.0.1"]));
    });

    private void Listen(ListenOptions listen, string kind, TestAuthority stranger)
    {
        switch (kind)
        {
            case "expired":
                listen.UseHttps(_authority.Issue(["127.0.0.1"], days: -1));
                break;
            case "early":
                listen.UseHttps(_authority.Issue(["127.0.0.1"], startsIn: 5));
                break;
            case "name":
                listen.UseHttps(_authority.Issue(["other.example"]));
                break;
            case "issuer":
                listen.UseHttps(stranger.Issue(["127.0.0.1"]));
                break;
        }
    }

    private static async Task<string> PostAsync(TestBalancer balancer, string body)
    {
        using var content = new StringContent(body);
        using var response = await balancer.Http.PostAsync("/", content, Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync(Cancel);
    }

    private static async Task<string?> ErrorAsync(TestBalancer balancer)
    {
        using var status = JsonDocument.Parse(await balancer.Http.GetStringAsync("/lb/status", Cancel));
        return status.RootElement.GetProperty("backends")[0].GetProperty("error").GetString();
    }
}

/// <summary>The same behind Kestrel, which HTTP/2 clients take.</summary>
[OverLean]
public sealed class TlsNodeTestsOverLean : TlsNodeTests;

/// <summary>The same with YARP.</summary>
[OverYarp]
public sealed class TlsNodeTestsOverYarp : TlsNodeTests;
