using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>An end that does not read makes the other end wait: the balancer keeps next to nothing in between.</summary>
public class BackpressureTests(ITestOutputHelper output)
{
    /// <summary>In bytes: more than the system's buffers for both connections may come to, and far less than the body.</summary>
    private const long MaxSent = 200 << 20;

    private const long Body = 1 << 30;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_ThatDoesNotRead_HoldsTheNodeBack(bool chunked)
    {
        FloodOfBytes? answer = null;
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\n{Framing(chunked)}\r\n\r\n");
            answer = new FloodOfBytes(exchange.Connection.WriteAsync, MaxSent, chunked);
            await answer.Ended;
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        await Eventually.BeTrue(() => answer is not null, "the response begins");

        AssertHeldBack(await answer!.LevelOffAsync());
        client.Dispose();
        await answer.Ended;
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
        var body = new FloodOfBytes(client.Stream.WriteAsync, MaxSent, chunked);

        AssertHeldBack(await body.LevelOffAsync());
        client.Dispose();
        await body.Ended;
    }

    private static string Framing(bool chunked) => chunked ? "Transfer-Encoding: chunked" : $"Content-Length: {Body}";

    private void AssertHeldBack(long sent)
    {
        output.WriteLine($"{sent / 1e6:0.0} MB went somewhere.");
        Assert.True(sent < MaxSent, $"{sent / 1e6:0} MB went somewhere");
    }
}
