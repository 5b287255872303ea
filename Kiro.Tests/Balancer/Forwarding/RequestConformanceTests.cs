using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>Requests are validated and forwarded as RFC 9112 demands, whatever parsed them.</summary>
public class RequestConformanceTests
{
    private const string Hidden = "GET /hidden HTTP/1.1\r\nHost: a.example\r\n\r\n";

    [Theory]
    [InlineData("Transfer-Encoding: gzip, chunked")]
    [InlineData("Transfer-Encoding: chunked, chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: identity, chunked")]
    [InlineData("Transfer-Encoding: , chunked")]
    public async Task TransferCoding_OtherThanChunked_Is501(string coding)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{coding}\r\n\r\n0\r\n\r\n{Hidden}");

        Assert.Equal(501, (await client.ReadResponseAsync()).Status);
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("+2")]
    [InlineData("-0")]
    [InlineData("\v2")]
    [InlineData("2\f")]
    [InlineData("2\0")]
    [InlineData("\u00b2")]
    [InlineData("2 2")]
    [InlineData("")]
    [InlineData("999999999999999999999")]
    [InlineData("9999999999999999999999999999999999999999")]
    public async Task ContentLength_NotDigits_Is400(string length)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\nok{Hidden}");

        Assert.Equal(400, (await client.ReadResponseAsync()).Status);
        Assert.Equal("", await client.Stream.ReadToEndAsync());
        Assert.Empty(node.Heads);
        Assert.Empty(balancer.Logs);
    }

    [Theory]
    [InlineData("Connection: close, X-Own")]
    [InlineData("Connection: X-Own, Close")]
    [InlineData("Connection: keep-alive, X-Own")]
    [InlineData("Connection: Keep-Alive ,\tx-own")]
    [InlineData("Connection: keep-alive, close, X-Own")]
    [InlineData("Connection: X-Own\r\nConnection: X-Other")]
    [InlineData("Connection: close\r\nConnection: X-Own")]
    [InlineData("Connection: upgrade, X-Own")]
    public async Task Field_NamedInConnection_IsDropped(string connection)
    {
        var head = await ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{connection}\r\nX-Own: 1\r\nX-Kept: 1\r\n\r\n");

        Assert.False(RawHead.Has(head, "X-Own"));
        Assert.False(RawHead.Has(head, "Connection"));
        Assert.Equal("1", RawHead.Value(head, "X-Kept"));
    }

    [Fact]
    public async Task Field_NamedInASecondConnectionLine_IsDropped()
    {
        var head = await ForwardedHead.OfAsync("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive\r\nConnection: X-Own\r\nX-Own: 1\r\n\r\n");

        Assert.Equal(KnownDifferences.ForgetsNamesInOtherLines, RawHead.Has(head, "X-Own"));
    }

    [Theory]
    [InlineData("Connection: close, X-Own", true)]
    [InlineData("Connection: keep-alive, X-Own", false)]
    [InlineData("Connection: X-Own", false)]
    public async Task Connection_WithFieldNames_StillDecidesPersistence(string connection, bool ends)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a.example\r\n{connection}\r\n\r\n");
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        if (ends)
        {
            Assert.Equal("", await client.Stream.ReadToEndAsync());
            return;
        }

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x07)]
    [InlineData(0x0B)]
    [InlineData(0x1B)]
    [InlineData(0x7F)]
    public async Task Value_WithControlCharacter_Is400(int control)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a.example\r\nX-A: b{(char)control}c\r\n\r\n");

        Assert.Equal(400, response.Status);
        Assert.Empty(node.Heads);
    }

    [Fact]
    public async Task ChunkLine_WithSpaceBeforeItsExtension_IsAccepted()
    {
        var body = "";
        await using var node = new RawBackend(async exchange =>
        {
            body = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n2 ;a=b\r\nok\r\n0\r\n\r\n");

        Assert.Equal(KnownDifferences.RefusesSpaceInChunkLines ? 400 : 200, response.Status);
        Assert.Equal(KnownDifferences.RefusesSpaceInChunkLines ? "" : "ok", body);
    }

    [Fact]
    public async Task CarriageReturns_BeforeTheRequestLine_Are400()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("\r\r\r\r\rGET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");

        Assert.Equal(KnownDifferences.SkipsBareCarriageReturns ? 200 : 400, response.Status);
    }

    [Fact]
    public async Task Expect_FromAnHttp10Client_IsDroppedAndTheBodyForwarded()
    {
        var body = "";
        await using var node = new RawBackend(async exchange =>
        {
            body = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("POST / HTTP/1.0\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");

        Assert.Equal((200, "ok", "hello"), (response.Status, response.Body, body));
        Assert.False(RawHead.Has(Assert.Single(node.Heads), "Expect"));
    }

    [Fact]
    public async Task Chunks_InHttp10_Are400()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        var response = await balancer.ExchangeAsync("POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

        Assert.Equal(400, response.Status);
        Assert.Empty(node.Heads);
    }

    [Theory]
    [InlineData("trailers", true)]
    [InlineData("deflate, Trailers", true)]
    [InlineData("deflate", false)]
    public async Task TE_Trailers_IsForwarded(string te, bool expected)
    {
        var head = await ForwardedHead.OfAsync($"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: TE\r\nTE: {te}\r\n\r\n");

        Assert.Equal(expected ? "trailers" : null, RawHead.Value(head, "TE"));
        Assert.Equal(expected ? "TE" : null, RawHead.Value(head, "Connection"));
    }

    [Theory]
    [InlineData("a=1;p=2")]
    [InlineData("a=1 ; p , b = 2")]
    [InlineData("no baggage at all")]
    public async Task Baggage_WithSpansExported_ArrivesByteForByte(string value)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, $"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{FreePort.Next()}");

        await balancer.ExchangeAsync(
            $"GET / HTTP/1.1\r\nHost: a.example\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nbaggage: {value}\r\n\r\n");

        Assert.Equal(value, RawHead.Value(Assert.Single(node.Heads), "baggage"));
    }
}
