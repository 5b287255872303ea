using System.Net;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class ForwardedHeadersTests
{
    private const string Fields =
        "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nX-Forwarded-Prefix: /shop\r\n"
        + "X-Forwarded-Port: 443\r\nForwarded: for=203.0.113.7;proto=https\r\nX-Real-IP: 198.51.100.1\r\n";

    [Fact]
    public async Task TrustedPeer_WithForwardedFields_KeepsAndExtendsThem()
    {
        var head = await ForwardAsync(Fields);

        Assert.Equal("203.0.113.7, 127.0.0.1", RawHead.Value(head, "X-Forwarded-For"));
        Assert.Equal("https", RawHead.Value(head, "X-Forwarded-Proto"));
        Assert.Equal("shop.example", RawHead.Value(head, "X-Forwarded-Host"));
        Assert.Equal("/shop", RawHead.Value(head, "X-Forwarded-Prefix"));
        Assert.Equal("443", RawHead.Value(head, "X-Forwarded-Port"));
        Assert.Equal("for=203.0.113.7;proto=https, for=127.0.0.1;host=\"a.example\";proto=" + TestedPath.Scheme, RawHead.Value(head, "Forwarded"));
        Assert.Equal("203.0.113.7", RawHead.Value(head, "X-Real-IP"));
    }

    [Fact]
    public async Task TrustedPeer_WithoutForwardedFields_GetsThemSet()
    {
        var head = await ForwardAsync("");

        Assert.Equal("127.0.0.1", RawHead.Value(head, "X-Forwarded-For"));
        Assert.Equal(TestedPath.Scheme, RawHead.Value(head, "X-Forwarded-Proto"));
        Assert.Equal("a.example", RawHead.Value(head, "X-Forwarded-Host"));
        Assert.Equal("127.0.0.1", RawHead.Value(head, "X-Real-IP"));
        Assert.False(RawHead.Has(head, "Forwarded"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Forwarded: for=\"open\r\n")]
    public async Task Forwarded_MissingOrMalformed_IsReplaced(string fields)
    {
        var head = await ForwardAsync(fields, null, "CLIENT_IP_HEADER=Forwarded");

        Assert.Equal("for=127.0.0.1;host=\"a.example\";proto=" + TestedPath.Scheme, RawHead.Value(head, "Forwarded"));
    }

    [Fact]
    public async Task Forwarded_WithoutXForwardedFor_IdentifiesTheClient()
    {
        var head = await ForwardAsync("Forwarded: for=\"[2001:db8::7]:80\"\r\nForwarded: for=127.0.0.9\r\n");

        Assert.Equal("2001:db8::7", RawHead.Value(head, "X-Real-IP"));
        Assert.StartsWith("for=\"[2001:db8::7]:80\", for=127.0.0.9, for=127.0.0.1;", RawHead.Value(head, "Forwarded"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TRUSTED_PROXIES=127.0.0.1", "203.0.113.7", true)]
    [InlineData("TRUSTED_PROXIES=none", "127.0.0.1", false)]
    public async Task CustomField_FromAPeer_IsUsedAndForwardedIfTrusted(string trust, string client, bool arrives)
    {
        var head = await ForwardAsync("CF-Connecting-IP: 203.0.113.7\r\nX-Forwarded-For: 198.51.100.1\r\n", null, trust, "CLIENT_IP_HEADER=CF-Connecting-IP");

        Assert.Equal(client, RawHead.Value(head, "X-Real-IP"));
        Assert.Equal(arrives, RawHead.Has(head, "CF-Connecting-IP"));
    }

    [Theory]
    [InlineData("TRUSTED_PROXIES=127.0.0.1")]
    [InlineData("TRUSTED_PROXIES=none")]
    public async Task CustomField_WithUnderscores_NeverReachesANode(string trust)
    {
        var head = await ForwardAsync("CF_Connecting_IP: 203.0.113.7\r\ncf-connecting_ip: 203.0.113.7\r\nCF_Connecting: kept\r\n", null, trust, "CLIENT_IP_HEADER=CF-Connecting-IP");

        Assert.DoesNotContain("203.0.113.7", head, StringComparison.Ordinal);
        Assert.Equal("kept", RawHead.Value(head, "CF_Connecting"));
    }

    [Fact]
    public async Task TrustedPeer_WithSeveralFieldLines_KeepsTheirOrder()
    {
        var head = await ForwardAsync("X-Forwarded-For: 198.51.100.9, 203.0.113.7\r\nX-Forwarded-For: 127.0.0.5\r\n");

        Assert.Equal("198.51.100.9, 203.0.113.7, 127.0.0.5, 127.0.0.1", RawHead.Value(head, "X-Forwarded-For"));
        Assert.Equal("203.0.113.7", RawHead.Value(head, "X-Real-IP"));
    }

    [Theory]
    [InlineData("TRUSTED_PROXIES=none")]
    [InlineData("TRUSTED_PROXIES=127.0.0.1")]
    public async Task AnyPeer_WithLookalikeFields_GetsThemDropped(string trust)
    {
        var head = await ForwardAsync("X_Forwarded_For: 203.0.113.7\r\nX_Real_IP: 203.0.113.7\r\nX-Forwarded_Proto: https\r\nA_B: kept\r\n", null, trust);

        Assert.DoesNotContain("203.0.113.7", head, StringComparison.Ordinal);
        Assert.False(RawHead.Has(head, "X-Forwarded_Proto"));
        Assert.Equal("kept", RawHead.Value(head, "A_B"));
    }

    [Fact]
    public async Task UntrustedPeer_WithForwardedFields_GetsAllReplacedOrDropped()
    {
        var head = await ForwardAsync(Fields, null, "TRUSTED_PROXIES=none");

        Assert.Equal("127.0.0.1", RawHead.Value(head, "X-Forwarded-For"));
        Assert.Equal(TestedPath.Scheme, RawHead.Value(head, "X-Forwarded-Proto"));
        Assert.Equal("a.example", RawHead.Value(head, "X-Forwarded-Host"));
        Assert.Equal("127.0.0.1", RawHead.Value(head, "X-Real-IP"));
        Assert.False(RawHead.Has(head, "X-Forwarded-Prefix"));
        Assert.False(RawHead.Has(head, "X-Forwarded-Port"));
        Assert.False(RawHead.Has(head, "Forwarded"));
        Assert.DoesNotContain("203.0.113.7", head, StringComparison.Ordinal);
        Assert.DoesNotContain("198.51.100.1", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UntrustedPeer_WithForwardedFieldsInAnyCase_GetsThemDropped()
    {
        var head = await ForwardAsync("x-forwarded-SERVER: x\r\nFORWARDED: for=x\r\nx-forwarded-for: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n", null, "TRUSTED_PROXIES=10.0.0.0/8");

        Assert.False(RawHead.Has(head, "X-Forwarded-Server"));
        Assert.False(RawHead.Has(head, "Forwarded"));
        Assert.Equal("127.0.0.1", RawHead.Value(head, "X-Forwarded-For"));
    }

    [Fact]
    public async Task Peer_OverIPv6_IsForwardedAsIs()
    {
        var head = await ForwardAsync("X-Forwarded-For: 2001:db8::1\r\n", IPAddress.IPv6Loopback);

        Assert.Equal("2001:db8::1, ::1", RawHead.Value(head, "X-Forwarded-For"));
        Assert.Equal("2001:db8::1", RawHead.Value(head, "X-Real-IP"));
    }

    [Fact]
    public async Task UntrustedPeer_OverIPv6_IsTheClient()
    {
        var head = await ForwardAsync("X-Forwarded-For: 2001:db8::1\r\n", IPAddress.IPv6Loopback, "TRUSTED_PROXIES=127.0.0.0/8");

        Assert.Equal("::1", RawHead.Value(head, "X-Forwarded-For"));
        Assert.Equal("::1", RawHead.Value(head, "X-Real-IP"));
    }

    [Fact]
    public async Task Node_OverIPv6_IsReached()
    {
        // Tests only that the brackets make it into a URL: the IPv4-mapped address reaches the IPv4 listener.
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"[::ffff:127.0.0.1]:{node.Port}");

        Assert.Equal("ok", (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")).Body);
    }

    private static async Task<string> ForwardAsync(string fields, IPAddress? address = null, params string[] settings)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, settings);

        var response = await RawClient.ExchangeAsync(balancer.Port, $"GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n", address);

        Assert.Equal(200, response.Status);
        return Assert.Single(node.Heads);
    }
}
