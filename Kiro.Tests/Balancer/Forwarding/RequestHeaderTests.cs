using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class RequestHeaderTests
{
    private const string Trace = "00-0af7651916cd43dd8448eb211c80319c-";

    [Theory]
    [InlineData("a.example")]
    [InlineData("a.example:8080")]
    [InlineData("[2001:db8::1]:81")]
    [InlineData("203.0.113.7")]
    public async Task Host_Any_IsKept(string host)
    {
        var head = await ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");

        Assert.Equal(host, RawHead.Value(head, "Host"));
    }

    [Fact]
    public async Task Host_AbsentInHttp10_IsTheNodesAndNotForwarded()
    {
        var head = await ForwardedHead.OfAsync("GET / HTTP/1.0\r\n\r\n");

        Assert.StartsWith("GET / HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.StartsWith("127.0.0.1:", RawHead.Value(head, "Host"), StringComparison.Ordinal);
        Assert.False(RawHead.Has(head, "X-Forwarded-Host"));
    }

    [Theory]
    [InlineData("X-Latin", "caf\u00e9 \u00fc\u00df \u00ff")]
    [InlineData("X-Utf8", "\u00c3\u00a9\u00e2\u0082\u00ac")]
    [InlineData("X-Odd", "a=\"b\", c;d=<e>|{}\\")]
    [InlineData("X-Tab", "a\tb")]
    [InlineData("User-Agent", "not (a valid agent")]
    [InlineData("Cookie", "a=1; b=\u00e9; c=\"x y\"; d")]
    [InlineData("Authorization", "Basic YTpi")]
    [InlineData("Referer", "caf\u00e9/not a url")]
    [InlineData("Date", "whenever")]
    [InlineData("If-Modified-Since", "not a date")]
    [InlineData("Range", "bytes=0-1,-5")]
    [InlineData("Accept-Encoding", "gzip, br;q=0.1")]
    [InlineData("Via", "1.1 before")]
    [InlineData("Upgrade-Insecure-Requests", "1")]
    [InlineData("tracestate", "a=1,b=2")]
    [InlineData("baggage", "a=1")]
    public async Task Value_Any_ArrivesByteForByte(string name, string value)
    {
        var head = await ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{name}: {value}\r\n\r\n");

        Assert.Equal(value, RawHead.Value(head, name));
    }

    // In a process of its own, because tracing is on for all balancers of a process.
    [Fact]
    public async Task TraceParent_WithoutTracing_ArrivesByteForByte()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await BalancerProcess.StartAsync(node.Host);

        await RawClient.ExchangeAsync(balancer.Port, $"GET / HTTP/1.1\r\nHost: a.example\r\ntraceparent: {Trace}b7ad6b7169203331-01\r\n\r\n");

        Assert.Equal($"{Trace}b7ad6b7169203331-01", RawHead.Value(Assert.Single(node.Heads), "traceparent"));
    }

    [Fact]
    public async Task Value_Empty_Arrives()
    {
        var head = await ForwardedHead.OfAsync("GET / HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\n\r\n");

        Assert.Equal("", RawHead.Value(head, "X-Empty"));
    }

    [Fact]
    public async Task Value_Long_Arrives()
    {
        var value = new string('x', 20_000);

        var head = await ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: a.example\r\nX-Long: {value}\r\n\r\n");

        Assert.Equal(value, RawHead.Value(head, "X-Long"));
    }

    [Fact]
    public async Task Field_Repeated_KeepsItsValuesInOrder()
    {
        // HttpClient combines them into one field line, which is equivalent (RFC 9110, section 5.3).
        var head = await ForwardedHead.OfAsync("GET / HTTP/1.1\r\nHost: a.example\r\nX-Many: 1\r\nAccept: a/b\r\nX-Many: 2, 3\r\nAccept: c/d\r\n\r\n");

        if (TestedPath.IsLoop)
        {
            Assert.Contains("X-Many: 1\r\nAccept: a/b\r\nX-Many: 2, 3\r\nAccept: c/d\r\n", head, StringComparison.Ordinal);
            return;
        }

        Assert.Equal("1, 2, 3", RawHead.Value(head, "X-Many"));
        Assert.Equal("a/b, c/d", RawHead.Value(head, "Accept"));
    }

    [Fact]
    public async Task Field_NotSent_IsNotAdded()
    {
        var head = await ForwardedHead.OfAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

        var names = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(':')[0]);
        Assert.Equal(["CDN-Loop", "Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"], names.Order());
    }

    [Fact]
    public async Task Trace_SpansExported_ContinuesWithTheBalancersSpan()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(
            node.Host, $"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{FreePort.Next()}");

        await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a.example\r\ntraceparent: {Trace}b7ad6b7169203331-01\r\n\r\n");

        var parent = RawHead.Value(Assert.Single(node.Heads), "traceparent");
        Assert.StartsWith(Trace, parent, StringComparison.Ordinal);
        Assert.NotEqual($"{Trace}b7ad6b7169203331-01", parent);
    }

    [Fact]
    public async Task ContentField_WithoutBody_Arrives()
    {
        var head = await ForwardedHead.OfAsync("GET / HTTP/1.1\r\nHost: a.example\r\nContent-Type: text/x\r\nExpires: 0\r\n\r\n");

        Assert.Equal("text/x", RawHead.Value(head, "Content-Type"));
        Assert.Equal("0", RawHead.Value(head, "Expires"));
    }
}
