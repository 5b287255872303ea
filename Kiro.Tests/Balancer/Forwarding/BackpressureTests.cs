using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>A slow reader holds the sender back; the balancer buffers next to nothing in between.</summary>
public class BackpressureTests(ITestOutputHelper output)
{
    /// <summary>In bytes: more than the socket buffers of both connections, far less than the body.</summary>
    private const long MaxSent = 200 << 20;

    private const long Body = 1 << 30;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_ThatDoesNotRead_HoldsTheNodeBack(bool chunked)
    {
        ByteFlood? response = null;
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\n{Framing(chunked)}\r\n\r\n");
            response = new ByteFlood(exchange.Connection.WriteAsync, MaxSent, chunked);
            await response.Ended;
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        await Eventually.BeTrue(() => response is not null, "the response has begun");

        AssertHeldBack(await response!.WaitUntilStalledAsync());
        client.Dispose();
        await response.Ended;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Node_ThatDoesNotRead_HoldsTheClientBack(bool chunked)
    {
        await using var node = new RawBackend(_ => Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken));
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a.example\r\n{Framing(chunked)}\r\n\r\n");
        var body = new ByteFlood(client.Stream.WriteAsync, MaxSent, chunked);

        AssertHeldBack(await body.WaitUntilStalledAsync());
        client.Dispose();
        await body.Ended;
    }

    private static string Framing(bool chunked) => chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {Body}";

    private void AssertHeldBack(long sent)
    {
        output.WriteLine($"{sent / 1e6:0.0} MB sent.");
        Assert.True(sent < MaxSent, $"{sent / 1e6:0} MB sent");
    }
}
