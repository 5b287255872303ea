using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public class ExpectTests
{
    private const string Head = "POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n";
    private static readonly string Body = new('x', 5000);

    [Fact]
    public async Task Continue_NodeSendsItLate_IsForwardedOnlyThen()
    {
        var mayContinue = new TaskCompletionSource();
        var body = "";
        await using var node = new RawBackend(async exchange =>
        {
            await mayContinue.Task;
            await exchange.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n");
            body = await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Head);
        await Eventually.BeTrue(() => node.Heads.Count == 1, "the node has the head");
        Assert.Equal("100-continue", RawHead.Value(node.Heads.Single(), "Expect"));
        var response = client.ReadResponseAsync();
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.False(response.IsCompleted);

        mayContinue.SetResult();
        Assert.Equal(100, (await response).Status);
        await client.SendAsync(Body);

        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
        Assert.Equal(Body, body);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(413)]
    [InlineData(417)]
    public async Task Rejection_WithoutContinue_ArrivesAndTheBodyIsNotSent(int status)
    {
        var more = "";
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.WriteAsync($"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno");
            more = await exchange.Connection.ReadToEndAsync();
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Head);
        var response = await client.ReadResponseAsync();

        Assert.Equal(status, response.Status);
        Assert.Equal("no", response.Body);
        client.Dispose();
        await Eventually.BeTrue(() => balancer.Backend(node.Port).Counters.InFlight == 0, "the request is over");
        Assert.Equal("", more);
        Assert.Equal(0, balancer.Backend(node.Port).Counters.Failures);
        Assert.Empty(balancer.Logs);
    }

    [Fact]
    public async Task Continue_NodeNeverSendsIt_IsSentAfterATimeout()
    {
        await using var node = new RawBackend(async exchange =>
        {
            await exchange.ReadBodyAsync();
            await exchange.OkAsync("ok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);
        using var client = await RawClient.ConnectAsync(balancer.Port);

        await client.SendAsync(Head);
        Assert.Equal(100, (await client.ReadResponseAsync()).Status);
        await client.SendAsync(Body);

        Assert.Equal("ok", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Continue_NodeRefusesTheConnection_ComesFromTheNextNode()
    {
        await using var dead = await TestBackend.StartAsync("dead");
        await using var alive = await TestBackend.StartAsync("alive");
        await using var balancer = await TestBalancer.StartAsync($"{dead.Host},{alive.Host}");
        var client = balancer.ClientOf(dead.Port);
        await dead.StopAsync();
        using var raw = await RawClient.ConnectAsync(balancer.Port);

        await raw.SendAsync(Head.Replace("Host:", $"X-Forwarded-For: {client}\r\nHost:", StringComparison.Ordinal).Replace("/ ", "/echo ", StringComparison.Ordinal));
        Assert.Equal(100, (await raw.ReadResponseAsync()).Status);
        await raw.SendAsync(Body);
        var response = await raw.ReadResponseAsync();

        Assert.Contains(Body, response.Body, StringComparison.Ordinal);
        Assert.Single(alive.Arrived);
    }
}
