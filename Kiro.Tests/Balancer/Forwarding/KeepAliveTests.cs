using System.Collections.Concurrent;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

/// <summary>The Keep-Alive field of a node is honoured.</summary>
public class KeepAliveTests
{
    [Theory]
    [InlineData("timeout=1", 3)]
    [InlineData("timeout=0, max=100", 3)]
    [InlineData("max=0", 3)]
    [InlineData("timeout=60", 1)]
    [InlineData("timeout=60, max=100", 1)]
    [InlineData("something=else", 1)]
    public async Task Connection_WithAKeepAliveField_IsReusedWithinItsLimits(string keepAlive, int expected)
    {
        var connections = new ConcurrentQueue<RawStream>();
        await using var node = new RawBackend(async exchange =>
        {
            connections.Enqueue(exchange.Connection);
            await exchange.WriteAsync($"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: {keepAlive}\r\nContent-Length: 2\r\n\r\nok");
        });
        await using var balancer = await TestBalancer.StartAsync(node.Host);

        for (var number = 0; number < 3; number++)
        {
            Assert.Equal("ok", (await balancer.ExchangeAsync("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n")).Body);
        }

        Assert.Equal(expected, connections.Distinct().Count());
    }
}
