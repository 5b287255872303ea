using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>Requests of a client, and the cookie that it receives.</summary>
internal static class StickyExchange
{
    public static async Task<RawResponse> GetAsync(TestBalancer balancer, string fields = "")
    {
        var answer = await balancer.ExchangeAsync($"GET /node HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        Assert.Equal(200, answer.Status);
        return answer;
    }

    public static async Task<RawResponse> UpgradeAsync(TestBalancer balancer, string fields)
    {
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync($"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n");
        var answer = await client.ReadResponseAsync();
        Assert.Equal(101, answer.Status);
        return answer;
    }

    public static string IdOf(RawResponse answer)
    {
        var set = answer.Value("Set-Cookie");
        Assert.Matches("^kiro=[0-9a-f]{32}; Path=/; HttpOnly; SameSite=Lax$", set);
        return set!.Split(';')[0];
    }
}
