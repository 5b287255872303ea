using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Method, request target and Host as clients send them, and as a node receives them.</summary>
public class RequestAddressTests
{
    [Theory]
    [InlineData("http://b.example/x")]
    [InlineData("http://b.example?x")]
    public async Task Target_AbsoluteFormInHttp10_GivesTheHost(string target)
    {
        var head = await ForwardedHead.OfAsync($"GET {target} HTTP/1.0\r\n\r\n");

        Assert.Equal("b.example", RawHead.Value(head, "Host"));
        Assert.Equal("b.example", RawHead.Value(head, "X-Forwarded-Host"));
    }

    [Theory]
    [InlineData("/a#frag")]
    [InlineData("/a?b=c#frag")]
    [InlineData("/#")]
    [InlineData("http://a.example/a#frag")]
    public async Task Target_WithAFragment_Is400(string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(400, (await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("http://b.example/x", "a.example", "b.example")]
    [InlineData("http://b.example:81/x", "a.example", "b.example:81")]
    [InlineData("http://a.example/x", "A.Example", "a.example")]
    [InlineData("http://a.example/x", "", "a.example")]
    public async Task Target_AbsoluteForm_OverridesHost(string target, string host, string expected)
    {
        var head = await ForwardedHead.OfAsync($"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");

        Assert.Equal("GET /x HTTP/1.1", RawHead.StartLine(head));
        Assert.Equal(expected, RawHead.Value(head, "Host"));
        Assert.Equal(expected, RawHead.Value(head, "X-Forwarded-Host"));
    }

    [Theory]
    [InlineData("head")]
    [InlineData("Head")]
    [InlineData("trace")]
    [InlineData("connect")]
    public async Task Method_InLowerCase_IsAnotherMethod(string method)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        for (var number = 0; number < 2; number++)
        {
            await client.SendAsync($"{method} / HTTP/1.1\r\nHost: a.example\r\n\r\n");
            Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        }

        Assert.All(node.Heads, head => Assert.StartsWith($"{method} / ", head, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a:99999")]
    [InlineData("a:b")]
    [InlineData("a:+1")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("u@a")]
    [InlineData("::1")]
    [InlineData("[::1")]
    [InlineData("[::1%25eth0]")]
    [InlineData("[1.1.1.1]")]
    [InlineData("a\"b")]
    [InlineData("a\\b")]
    [InlineData("\u00e9.example")]
    public async Task Host_Invalid_Is400(string host)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(400, (await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("http://user@a.example/x")]
    [InlineData("http://user:word@a.example/x")]
    [InlineData("http://a.example@b.example?x")]
    [InlineData("http://@a.example")]
    public async Task Target_WithUserInfo_Is400(string target)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        Assert.Equal(400, (await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);
        Assert.Empty(node.Heads);
        Assert.Equal(200, (await balancer.ExchangeAsync("GET http://a.example/@?b=c@d HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);
    }

    [Theory]
    [InlineData("a.example:")]
    [InlineData("[::1]:")]
    public async Task Host_WithEmptyPort_IsAccepted(string host)
    {
        var head = await ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");

        Assert.Equal(host.TrimEnd(':').Length, RawHead.Value(head, "Host")!.TrimEnd(':').Length);
    }
}
