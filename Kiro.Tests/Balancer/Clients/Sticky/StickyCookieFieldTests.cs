using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>The cookie of STICKY_BY=cookie in forwarded requests and responses.</summary>
public class StickyCookieFieldTests
{
    private const string Cookie = "STICKY_BY=cookie";

    [Fact]
    public async Task Cookie_InForwardedRequest_IsRemovedAndTheOthersStay()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        await StickyExchange.GetAsync(balancer, "Cookie: kiro=abc\r\n");
        await StickyExchange.GetAsync(balancer, "Cookie: a=1; kiro=abc; b=2\r\nX-A: 1\r\n");
        await StickyExchange.GetAsync(balancer, "X-A: 1\r\nCookie: a=1;b=2\r\nX-B: 2\r\n");

        var heads = node.Heads.ToArray();
        Assert.False(RawHead.Has(heads[0], "Cookie"));
        Assert.Equal("a=1; b=2", RawHead.Value(heads[1], "Cookie"));
        Assert.Equal("1", RawHead.Value(heads[1], "X-A"));
        Assert.Equal("a=1;b=2", RawHead.Value(heads[2], "Cookie"));
        Assert.Equal(("1", "2"), (RawHead.Value(heads[2], "X-A"), RawHead.Value(heads[2], "X-B")));
    }

    [Fact]
    public async Task Node_SetsCookies_OnlyOtherNamesAreForwarded()
    {
        await using var node = RawBackend.Responding("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: kiro=mine; Path=/\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 2\r\n\r\nok");
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        Assert.Equal(["a=1", "b=2; Path=/"], (await StickyExchange.GetAsync(balancer, "Cookie: kiro=abc\r\n")).Values("Set-Cookie"));
        var first = (await StickyExchange.GetAsync(balancer)).Values("Set-Cookie");
        Assert.Equal(["a=1", "b=2; Path=/"], first.Take(2));
        Assert.Matches("^kiro=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$", Assert.Single(first.Skip(2)));
    }

    [Fact]
    public async Task Pseudonym_SentToNodes_IsUniquePerClientAndCannotBeForged()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie);

        foreach (var fields in (string[])["", "Cookie: kiro=abc\r\n", "Cookie: kiro=abc\r\n", "Cookie: kiro=def\r\n"])
        {
            await StickyExchange.GetAsync(balancer, fields + "X-Kiro-Client: somebody\r\nX_Kiro_Client: somebody\r\n");
        }

        var names = node.Heads.Select(head => RawHead.Value(head, "X-Kiro-Client")!).ToArray();
        Assert.Equal("new", names[0]);
        Assert.Matches("^[0-9a-f]{16}$", names[1]);
        Assert.Equal(names[1], names[2]);
        Assert.NotEqual(names[2], names[3]);
        Assert.DoesNotContain(node.Heads, head => RawHead.Has(head, "X_Kiro_Client"));
    }

    [Fact]
    public async Task OwnResponses_Never_SetACookie()
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
    public async Task Cookie_Name_IsConfigurable()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie, "STICKY_COOKIE=lb.id");

        Assert.Matches("^lb\\.id=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$", (await StickyExchange.GetAsync(balancer, "Cookie: kiro=abc\r\n")).Value("Set-Cookie"));
        Assert.Equal("kiro=abc", RawHead.Value(node.Heads.Single(), "Cookie"));
    }

    [Theory]
    [InlineData("X-Forwarded-Proto: https\r\n", "127.0.0.0/8", true)]
    [InlineData("X-Forwarded-Proto: http\r\n", "127.0.0.0/8", false)]
    [InlineData("X-Forwarded-Proto: https\r\n", "none", false)]
    public async Task Cookie_TrustedProxySaysHttps_IsSecure(string fields, string trusted, bool isSecure)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, Cookie, $"TRUSTED_PROXIES={trusted}");

        Assert.Equal(isSecure, (await StickyExchange.GetAsync(balancer, fields)).Value("Set-Cookie")!.EndsWith("; Secure", StringComparison.Ordinal));
    }
}

[OverLean]
public sealed class StickyCookieFieldOverLeanTests : StickyCookieFieldTests;

[OverYarp]
public sealed class StickyCookieFieldOverYarpTests : StickyCookieFieldTests;
