using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>STICKY_BY=cookie, from the first response on.</summary>
public class StickyCookieOverHttpTests
{
    private const string Cookie = "STICKY_BY=cookie";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstResponse_NoCookie_ComesFromTheSameNodeAsLaterOnes()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);
        var seen = new HashSet<string>();
        for (var client = 0; client < 30; client++)
        {
            var first = await StickyExchange.GetAsync(balancer);
            var cookie = StickyExchange.IdOf(first);
            seen.Add(first.Body);
            Assert.Equal("private", first.Values("Cache-Control")[^1]);
            for (var request = 0; request < 3; request++)
            {
                var later = await StickyExchange.GetAsync(balancer, $"Cookie: {cookie}\r\n");
                Assert.Equal(first.Body, later.Body);
                Assert.False(later.Has("Set-Cookie"));
                Assert.False(later.Has("Cache-Control"));
            }
        }

        // 30 clients with one address are distributed.
        Assert.Equal(nodes.Count, seen.Count);
    }

    [Theory]
    [InlineData("Cookie: kiro=\r\n")]
    [InlineData("Cookie: kiro\r\n")]
    [InlineData("Cookie: KIRO=abc\r\n")]
    [InlineData("Cookie: ;;;=;kiro=;=kiro\r\n")]
    [InlineData("Cookie:\r\n")]
    public async Task Response_NoValidCookie_SetsANewOne(string fields)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        StickyExchange.IdOf(await StickyExchange.GetAsync(balancer, fields));
        StickyExchange.IdOf(await StickyExchange.GetAsync(balancer, $"Cookie: kiro={new string('x', 129)}\r\n"));
    }

    [Theory]
    [InlineData("kiro=forged")]
    [InlineData("kiro=' OR 1=1 --")]
    [InlineData("kiro=../../etc/passwd")]
    [InlineData("kiro=\"quoted value\"")]
    [InlineData("kiro=\u00FF\u00FE\u0080")]
    [InlineData("kiro=%00%0d%0aX-A:1")]
    [InlineData("kiro={}[]<>()@,:\\/?=")]
    public async Task Request_ForgedCookie_IsServedLikeAnyOther(string cookie)
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);

        var answers = new List<RawResponse>();
        for (var request = 0; request < 3; request++)
        {
            answers.Add(await StickyExchange.GetAsync(balancer, $"Cookie: {cookie}\r\n"));
        }

        Assert.All(answers, answer => Assert.Equal((200, false), (answer.Status, answer.Has("Set-Cookie"))));
        Assert.Single(answers.Select(answer => answer.Body).Distinct());
    }

    [Fact]
    public async Task Cookie_InAnyOfSeveralFields_IsFound()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);
        for (var client = 0; client < 20; client++)
        {
            var node = (await StickyExchange.GetAsync(balancer, $"Cookie: kiro=client-{client}\r\n")).Body;
            Assert.Equal(node, (await StickyExchange.GetAsync(balancer, $"Cookie: a=1; b=2\r\nCookie: c=3;kiro=client-{client}; d=4\r\nX-Forwarded-For: 198.51.100.{client}\r\n")).Body);
        }
    }

    [Fact]
    public async Task Cookie_FirstNodeFails_IsSetByTheNextOnesResponse()
    {
        await using var node = RawBackend.Responding();
        await using var broken = new RawBackend(exchange =>
        {
            exchange.Close();
            return Task.CompletedTask;
        });
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{broken.Host}", Cookie);
        for (var client = 0; client < 12; client++)
        {
            var answer = await StickyExchange.GetAsync(balancer);
            Assert.Equal(200, answer.Status);
            StickyExchange.IdOf(answer);
        }
    }

    [Fact]
    public async Task WebSocket_FirstRequest_SetsTheCookieAndLaterOnesReachTheSameNode()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);
        for (var client = 0; client < 10; client++)
        {
            var handshake = await StickyExchange.UpgradeAsync(balancer, "");
            var cookie = StickyExchange.IdOf(handshake);
            var node = handshake.Value("X-Node");
            Assert.Equal(node, (await StickyExchange.UpgradeAsync(balancer, $"Cookie: {cookie}\r\n")).Value("X-Node"));
            Assert.Equal(node, (await StickyExchange.GetAsync(balancer, $"Cookie: {cookie}\r\n")).Body);
        }
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Cookie_OverTls_IsSecureAndSelectsTheSameNode(string version)
    {
        using var files = new TestCertificates();
        files.Write("a", ["a.example"]);
        var port = FreePort.Next();
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie, $"TLS_PORT={port}", $"TLS_CERTIFICATES={files.Folder}");
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, SslOptions = new() { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null },
        });
        for (var round = 0; round < 10; round++)
        {
            using var first = await client.SendAsync(Request(null), Cancel);
            var set = Assert.Single(first.Headers.GetValues("Set-Cookie"));
            Assert.Matches("^kiro=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax; Secure$", set);
            var node = await first.Content.ReadAsStringAsync(Cancel);
            using var later = await client.SendAsync(Request(set.Split(';')[0]), Cancel);
            Assert.Equal(node, await later.Content.ReadAsStringAsync(Cancel));
            Assert.False(later.Headers.Contains("Set-Cookie"));
            Assert.Equal(node, (await StickyExchange.GetAsync(balancer, $"Cookie: {set.Split(';')[0]}\r\n")).Body);
        }

        HttpRequestMessage Request(string? cookie)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{port}/node")
            {
                Version = Version.Parse(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            if (cookie is not null)
            {
                request.Headers.TryAddWithoutValidation("Cookie", $"a=1; {cookie}; b=2");
            }

            return request;
        }
    }

    [Fact]
    public async Task Nodes_OneGoesDown_OnlyItsClientsMoveAndReturn()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie, "ADMIN_TOKEN=0123456789abcdef");
        var clients = Enumerable.Range(0, 60).Select(client => $"Cookie: kiro=client-{client}\r\n").ToArray();
        var before = await Task.WhenAll(clients.Select(async client => (await StickyExchange.GetAsync(balancer, client)).Body));

        await OrderAsync(balancer, nodes.First, "drain");
        var without = await Task.WhenAll(clients.Select(async client => (await StickyExchange.GetAsync(balancer, client)).Body));
        await OrderAsync(balancer, nodes.First, "resume");
        var after = await Task.WhenAll(clients.Select(async client => (await StickyExchange.GetAsync(balancer, client)).Body));

        Assert.Contains(nodes.First, before);
        Assert.DoesNotContain(nodes.First, without);
        Assert.All(before.Zip(without).Where(pair => pair.First != nodes.First), pair => Assert.Equal(pair.First, pair.Second));
        Assert.Equal(before, after);
    }

    private static async Task OrderAsync(TestBalancer balancer, string node, string order)
    {
        var answer = await balancer.ExchangeAsync($"POST /lb/backends/{node}/{order} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer 0123456789abcdef\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal(200, answer.Status);
    }
}

[OverLean]
public sealed class StickyCookieOverLeanTests : StickyCookieOverHttpTests;

[OverYarp]
public sealed class StickyCookieOverYarpTests : StickyCookieOverHttpTests;
