using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>STICKY_BY=cookie, from the first response on.</summary>
public class StickyCookieOverHttpTests
{
    private const string Cookie = "STICKY_BY=cookie";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstResponse_NoCookie_ComesFromTheNodeOfAllLaterOnes()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);
        var seen = new HashSet<string>();
        for (var client = 0; client < 30; client++)
        {
            var first = await GetAsync(balancer);
            var cookie = IdOf(first);
            seen.Add(first.Body);
            Assert.Equal("private", first.Values("Cache-Control")[^1]);
            for (var request = 0; request < 3; request++)
            {
                var later = await GetAsync(balancer, $"Cookie: {cookie}\r\n");
                Assert.Equal(first.Body, later.Body);
                Assert.False(later.Has("Set-Cookie"));
                Assert.False(later.Has("Cache-Control"));
            }
        }

        // 30 clients of one address are spread.
        Assert.Equal(nodes.Count, seen.Count);
    }

    [Theory]
    [InlineData("Cookie: kiro=\r\n")]
    [InlineData("Cookie: kiro\r\n")]
    [InlineData("Cookie: KIRO=abc\r\n")]
    [InlineData("Cookie: ;;;=;kiro=;=kiro\r\n")]
    [InlineData("Cookie:\r\n")]
    public async Task Response_NoUsableCookie_BringsANewOne(string fields)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        IdOf(await GetAsync(balancer, fields));
        IdOf(await GetAsync(balancer, $"Cookie: kiro={new string('x', 129)}\r\n"));
    }

    [Theory]
    [InlineData("kiro=forged")]
    [InlineData("kiro=' OR 1=1 --")]
    [InlineData("kiro=../../etc/passwd")]
    [InlineData("kiro=\"quoted value\"")]
    [InlineData("kiro=\u00FF\u00FE\u0080")]
    [InlineData("kiro=%00%0d%0aX-A:1")]
    [InlineData("kiro={}[]<>()@,:\\/?=")]
    public async Task Request_ForgedCookie_HasANodeLikeAnyOther(string cookie)
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);

        var answers = new List<RawResponse>();
        for (var request = 0; request < 3; request++)
        {
            answers.Add(await GetAsync(balancer, $"Cookie: {cookie}\r\n"));
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
            var node = (await GetAsync(balancer, $"Cookie: kiro=client-{client}\r\n")).Body;
            Assert.Equal(node, (await GetAsync(balancer, $"Cookie: a=1; b=2\r\nCookie: c=3;kiro=client-{client}; d=4\r\nX-Forwarded-For: 198.51.100.{client}\r\n")).Body);
        }
    }

    [Fact]
    public async Task Cookie_OnTheWayToANode_IsTakenOutAndTheOthersStay()
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        await GetAsync(balancer, "Cookie: kiro=abc\r\n");
        await GetAsync(balancer, "Cookie: a=1; kiro=abc; b=2\r\nX-A: 1\r\n");
        await GetAsync(balancer, "X-A: 1\r\nCookie: a=1;b=2\r\nX-B: 2\r\n");

        var heads = node.Heads.ToArray();
        Assert.False(RawHead.Has(heads[0], "Cookie"));
        Assert.Equal("a=1; b=2", RawHead.Value(heads[1], "Cookie"));
        Assert.Equal("1", RawHead.Value(heads[1], "X-A"));
        Assert.Equal("a=1;b=2", RawHead.Value(heads[2], "Cookie"));
        Assert.Equal(("1", "2"), (RawHead.Value(heads[2], "X-A"), RawHead.Value(heads[2], "X-B")));
    }

    [Fact]
    public async Task Node_SetsCookies_OnlyThoseOfOtherNamesGetThrough()
    {
        await using var node = RawBackend.Answering("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: kiro=mine; Path=/\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        Assert.Equal(["a=1", "b=2; Path=/"], (await GetAsync(balancer, "Cookie: kiro=abc\r\n")).Values("Set-Cookie"));
        var first = (await GetAsync(balancer)).Values("Set-Cookie");
        Assert.Equal(["a=1", "b=2; Path=/"], first.Take(2));
        Assert.Matches("^kiro=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$", Assert.Single(first.Skip(2)));
    }

    [Fact]
    public async Task Pseudonym_ToldToNodes_IsOneForEachClientAndNobodyElseMaySayIt()
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        foreach (var fields in (string[])["", "Cookie: kiro=abc\r\n", "Cookie: kiro=abc\r\n", "Cookie: kiro=def\r\n"])
        {
            await GetAsync(balancer, fields + "X-Kiro-Client: somebody\r\nX_Kiro_Client: somebody\r\n");
        }

        var names = node.Heads.Select(head => RawHead.Value(head, "X-Kiro-Client")!).ToArray();
        Assert.Equal("new", names[0]);
        Assert.Matches("^[0-9a-f]{16}$", names[1]);
        Assert.Equal(names[1], names[2]);
        Assert.NotEqual(names[2], names[3]);
        Assert.DoesNotContain(node.Heads, head => RawHead.Has(head, "X_Kiro_Client"));
    }

    [Fact]
    public async Task Cookie_FirstNodeFails_ComesWithTheResponseOfTheNext()
    {
        await using var node = RawBackend.Answering();
        await using var broken = new RawBackend(exchange =>
        {
            exchange.Close();
            return Task.CompletedTask;
        });
        await using var balancer = await TestBalancer.StartAsync($"{node.Host},{broken.Host}", Cookie);
        for (var client = 0; client < 12; client++)
        {
            var answer = await GetAsync(balancer);
            Assert.Equal(200, answer.Status);
            IdOf(answer);
        }
    }

    [Fact]
    public async Task OwnResponses_Never_BringACookie()
    {
        await using var node = new RawBackend(exchange =>
        {
            exchange.Close();
            return Task.CompletedTask;
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        foreach (var request in (string[])[
            "GET /lb HTTP/1.1\r\nHost: a\r\n\r\n", "GET /lb/status HTTP/1.1\r\nHost: a\r\n\r\n", "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "GET / HTTP/1.1\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"])
        {
            Assert.False((await balancer.ExchangeAsync(request)).Has("Set-Cookie"), request);
        }
    }

    [Fact]
    public async Task Cookie_Name_IsTheOneThatIsSet()
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie, "STICKY_COOKIE=lb.id");

        Assert.Matches("^lb\\.id=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$", (await GetAsync(balancer, "Cookie: kiro=abc\r\n")).Value("Set-Cookie"));
        Assert.Equal("kiro=abc", RawHead.Value(node.Heads.Single(), "Cookie"));
    }

    [Theory]
    [InlineData("X-Forwarded-Proto: https\r\n", "127.0.0.0/8", true)]
    [InlineData("X-Forwarded-Proto: http\r\n", "127.0.0.0/8", false)]
    [InlineData("X-Forwarded-Proto: https\r\n", "none", false)]
    public async Task Cookie_TrustedProxySaysHttps_IsSecure(string fields, string trusted, bool isSecure)
    {
        await using var node = RawBackend.Answering();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie, $"TRUSTED_PROXIES={trusted}");

        Assert.Equal(isSecure, (await GetAsync(balancer, fields)).Value("Set-Cookie")!.EndsWith("; Secure", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WebSocket_FirstContact_BringsTheCookieAndLaterOnesTheSameNode()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie);
        for (var client = 0; client < 10; client++)
        {
            var handshake = await UpgradeAsync(balancer, "");
            var cookie = IdOf(handshake);
            var node = handshake.Value("X-Node");
            Assert.Equal(node, (await UpgradeAsync(balancer, $"Cookie: {cookie}\r\n")).Value("X-Node"));
            Assert.Equal(node, (await GetAsync(balancer, $"Cookie: {cookie}\r\n")).Body);
        }
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Cookie_OverTls_IsSecureAndAgreesWithPlainHttp(string version)
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
            Assert.Equal(node, (await GetAsync(balancer, $"Cookie: {set.Split(';')[0]}\r\n")).Body);
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
    public async Task Nodes_OneIsTakenOut_OnlyItsClientsMoveAndComeHome()
    {
        await using var nodes = await ThreeNodes.StartAsync();
        await using var balancer = await TestBalancer.StartAsync(nodes.Hosts, Cookie, "ADMIN_TOKEN=0123456789abcdef");
        var clients = Enumerable.Range(0, 60).Select(client => $"Cookie: kiro=client-{client}\r\n").ToArray();
        var before = await Task.WhenAll(clients.Select(async client => (await GetAsync(balancer, client)).Body));

        await OrderAsync(balancer, nodes.First, "drain");
        var without = await Task.WhenAll(clients.Select(async client => (await GetAsync(balancer, client)).Body));
        await OrderAsync(balancer, nodes.First, "resume");
        var after = await Task.WhenAll(clients.Select(async client => (await GetAsync(balancer, client)).Body));

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

    private static Task<RawResponse> GetAsync(TestBalancer balancer, string fields = "") =>
        balancer.ExchangeAsync($"GET /node HTTP/1.1\r\nHost: a\r\n{fields}\r\n");

    private static async Task<RawResponse> UpgradeAsync(TestBalancer balancer, string fields)
    {
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync($"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n");
        var answer = await client.ReadAnswerAsync();
        Assert.Equal(101, answer.Status);
        return answer;
    }

    private static string IdOf(RawResponse answer)
    {
        var set = answer.Value("Set-Cookie");
        Assert.Matches("^kiro=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$", set);
        return set!.Split(';')[0];
    }
}

[OverLean]
public sealed class StickyCookieOverLeanTests : StickyCookieOverHttpTests;

[OverYarp]
public sealed class StickyCookieOverYarpTests : StickyCookieOverHttpTests;
