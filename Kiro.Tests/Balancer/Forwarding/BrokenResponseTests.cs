using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A node that sends a malformed response: it may have acted on the request, so there is no retry.</summary>
public class BrokenResponseTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a.example\r\n";

    [Theory]
    [InlineData("not HTTP", "220 mail.example ESMTP\r\n")]
    [InlineData("no status", "HTTP/1.1 abc OK\r\n\r\n")]
    [InlineData("status too short", "HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("malformed field", "HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")]
    [InlineData("bad length", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")]
    [InlineData("bad first chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n")]
    [InlineData("bad first chunk before trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\nx\r\n")]
    [InlineData("unrequested upgrade", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")]
    [InlineData("head without end", "endless")]
    public async Task Response_Malformed_Is502AndNotRetried(string what, string response)
    {
        await using var broken = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync(response == "endless" ? $"HTTP/1.1 200 OK\r\nX: {new string('x', 200_000)}" : response);
            exchange.Close();
        });
        await using var other = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{broken.Host},{other.Host}");

        var seen = await balancer.ExchangeAsync($"{Get}X-Forwarded-For: {balancer.ClientOf(broken.Port)}\r\n\r\n");

        Assert.True(seen.Status == 502, $"{what}: {seen.StatusLine}");
        Assert.Contains("\"status\":502", seen.Body, StringComparison.Ordinal);
        Assert.Single(broken.Heads);
        Assert.Empty(other.Heads);
        Assert.Equal(1, balancer.Backend(broken.Port).Counters.Failures);
        Assert.Equal(0, balancer.Counters.Retries);
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\nhalf of it")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\na\r\nhalf of it\r\n|x\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\na\r\nhalf of it\r\n")]
    public async Task Response_Truncated_IsTruncatedForTheClientToo(string rest)
    {
        await using var broken = new RawBackend(async exchange =>
        {
            foreach (var part in $"HTTP/1.1 200 OK\r\n{rest}".Split('|'))
            {
                await exchange.WriteAsync(part);
                await Task.Delay(100, CancellationToken.None);
            }

            exchange.Close();
        });
        await using var other = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{broken.Host},{other.Host}");

        var seen = await balancer.ExchangeAsync($"{Get}X-Forwarded-For: {balancer.ClientOf(broken.Port)}\r\n\r\n");

        Assert.Equal(200, seen.Status);
        Assert.False(seen.IsComplete);
        Assert.Single(broken.Heads);
        Assert.Empty(other.Heads);
        await Eventually.BeTrue(() => balancer.Logs.Count > 0, "the balancer logs it");
        Assert.Contains("during the response", Assert.Single(balancer.Logs), StringComparison.Ordinal);
        Assert.Equal(1, balancer.Backend(broken.Port).Counters.Failures);
    }

    [Fact]
    public async Task Response_NeverComes_CanBeAbortedByTheClient()
    {
        await using var silent = new RawBackend(exchange => exchange.Connection.ReadToEndAsync());
        await using var balancer = await TestBalancer.StartAsync(silent.Host);
        using (var client = await RawClient.ConnectAsync(balancer.Port))
        {
            await client.SendAsync($"{Get}\r\n");
            await Eventually.BeTrue(() => silent.Heads.Count == 1, "the node has the request");
        }

        await Eventually.BeTrue(() => balancer.Backend(silent.Port).Counters.InFlight == 0, "the request is over");
        Assert.Equal(0, balancer.Backend(silent.Port).Counters.Failures);
    }
}
