using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class RequestTargetTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/a/b")]
    [InlineData("/a%2Fb/%2e%2E/c")]
    [InlineData("/a%20b+c")]
    [InlineData("//double//slashes//")]
    [InlineData("//example.com/not-an-authority")]
    [InlineData("/a/../b/./c")]
    [InlineData("/..")]
    [InlineData("/%c3%a9%E9")]
    [InlineData("/semi;colon=1/@:80/(x)!$&'*,~")]
    [InlineData("/pipe|caret^brace{}quote\"back\\slash`")]
    [InlineData("/a?")]
    [InlineData("/a?b=%20+%2B&b=2&&c")]
    [InlineData("/a?q=/../x//?y")]
    [InlineData("/?url=http://user:pw@host:1/p?q")]
    public async Task Target_OriginForm_ArrivesByteForByte(string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal(200, response.Status);
        Assert.Equal($"GET {target} HTTP/1.1", RawHead.StartLine(Assert.Single(node.Heads)));
    }

    [Theory]
    [InlineData("http://a.example/x%2Fy?z=%20", "/x%2Fy?z=%20")]
    [InlineData("http://a.example/../x", "/../x")]
    [InlineData("http://a.example", "/")]
    [InlineData("http://a.example?q=1", "/?q=1")]
    public async Task Target_AbsoluteForm_ArrivesInOriginForm(string target, string expected)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal(200, response.Status);
        var head = Assert.Single(node.Heads);
        Assert.Equal($"GET {expected} HTTP/1.1", RawHead.StartLine(head));
        Assert.Equal("a.example", RawHead.Value(head, "Host"));
    }

    [Fact]
    public async Task Target_Connect_IsRejectedByTheBalancer()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");

        Assert.Equal(501, response.Status);
        Assert.Empty(node.Heads);
        Assert.Empty(balancer.Logs);
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x09)]
    [InlineData(0x0B)]
    [InlineData(0x7F)]
    public async Task Target_WithControlCharacter_IsRejectedByTheBalancer(int character)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET /a{(char)character}HTTP/1.1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");

        Assert.Equal(400, response.Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("PROPFIND")]
    [InlineData("X-CUSTOM")]
    public async Task Method_Any_IsForwardedAsIs(string method)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"{method} /m HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal(200, response.Status);
        Assert.Equal($"{method} /m HTTP/1.1", RawHead.StartLine(Assert.Single(node.Heads)));
    }

    [Theory]
    [InlineData("POST", "/health")]
    [InlineData("GET", "/health/more")]
    [InlineData("GET", "/healthy")]
    [InlineData("GET", "/file.with.dots.js")]
    public async Task Path_NotTheBalancersOwn_IsForwarded(string method, string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"{method} {target} HTTP/1.1\r\nHost: a.example\r\n\r\n");

        Assert.Equal("ok", response.Body);
        Assert.Single(node.Heads);
    }
}
