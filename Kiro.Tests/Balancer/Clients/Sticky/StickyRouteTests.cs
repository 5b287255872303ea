using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>/lb/route, /lb/status and the warnings with each kind of key.</summary>
public sealed class StickyRouteTests
{
    [Theory]
    [InlineData("STICKY_BY=cookie", "Cookie: a=1; kiro=0123456789\r\n", "kiro=0123…")]
    [InlineData("STICKY_BY=cookie", "Cookie: kiro=abc\r\n", "kiro=…")]
    [InlineData("STICKY_BY=header:X-User", "X-User: alice\r\n", "X-User=alic…")]
    [InlineData("STICKY_BY=header:X-User", "", "203.0.113.7/32")]
    [InlineData("STICKY_BY=ip", "X-User: alice\r\nCookie: kiro=abc\r\n", "203.0.113.7/32")]
    public async Task YourRoute_AnyKey_IsWhereRequestsGo(string setting, string fields, string key)
    {
        await using var one = RawBackend.Responding();
        await using var two = RawBackend.Responding();
        await using var three = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host},{three.Host}", setting);
        fields += "X-Forwarded-For: 203.0.113.7\r\n";

        await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        var route = await AskAsync(balancer, "/lb/route", fields);
        var status = (await AskAsync(balancer, "/lb/status", fields)).GetProperty("client");

        var serving = new[] { one, two, three }.Single(node => node.Heads.Count == 1).Host;
        foreach (var told in (JsonElement[])[route, status])
        {
            Assert.Equal(serving, told.GetProperty("backend").GetString());
            Assert.Equal(key, told.GetProperty("key").GetString());
            Assert.Equal(setting.Split('=')[1], told.GetProperty("stickyBy").GetString());
            Assert.Equal("203.0.113.7", told.GetProperty("ip").GetString());
            Assert.Equal(3, told.GetProperty("ranking").GetArrayLength());
        }
    }

    [Fact]
    public async Task YourRoute_NoCookieYet_IsUnknown()
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, "STICKY_BY=cookie");

        var route = await AskAsync(balancer, "/lb/route", "");

        foreach (var name in (string[])["backend", "node", "key", "slot"])
        {
            Assert.Equal(JsonValueKind.Null, route.GetProperty(name).ValueKind);
        }

        Assert.Equal(0, route.GetProperty("ranking").GetArrayLength());
        var you = (await AskAsync(balancer, "/lb/what-if?nodes=3", "")).GetProperty("you");
        Assert.Equal((JsonValueKind.Null, JsonValueKind.False), (you.GetProperty("from").ValueKind, you.GetProperty("moves").ValueKind));
    }

    [Theory]
    [InlineData("STICKY_BY=cookie", "Cookie: kiro=some value\r\n", "some%20value")]
    [InlineData("STICKY_BY=cookie", "Cookie: kiro=\u00C3\u00A4\r\n", "%c3%A4")]
    [InlineData("STICKY_BY=header:X-User", "X-User: \u00C3\u00A4/=&\r\n", "%C3%A4%2F%3D%26")]
    [InlineData("STICKY_BY=header:X-User", "X-User: \u00E4/=&\r\n", "%E4%2F%3D%26")]
    [InlineData("STICKY_BY=header:X-User", "X-User: a b%zz\r\n", "a+b%zz")]
    public async Task Route_Key_IsWhereItsRequestsGo(string setting, string fields, string key)
    {
        await using var one = RawBackend.Responding();
        await using var two = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", setting);
        // A field value is bytes; here, each character is one byte.
        using var client = await RawClient.ConnectAsync(balancer.Port);
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        await client.ReadResponseAsync();

        var route = await AskAsync(balancer, $"/lb/route?key={key}", "");

        Assert.Equal((one.Heads.IsEmpty ? two : one).Host, route.GetProperty("backend").GetString());
        Assert.Equal(JsonValueKind.Null, route.GetProperty("ip").ValueKind);
    }

    [Theory]
    [InlineData("STICKY_BY=ip", "key=abc", "there are no keys while STICKY_BY is ip")]
    [InlineData("STICKY_BY=ip", "client=203.0.113.7&key=abc", "not both")]
    [InlineData("STICKY_BY=ip", "client=nobody", "client must be an IP address")]
    [InlineData("STICKY_BY=cookie", "client=203.0.113.7", "an address alone does not determine the node while STICKY_BY is cookie")]
    [InlineData("STICKY_BY=cookie", "key=", "key must be the value of the cookie kiro")]
    [InlineData("STICKY_BY=header:X-User", "key=%20", "key must be a value of X-User")]
    public async Task Route_NoKey_Is400WithTheReason(string setting, string query, string problem)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, setting);

        var answer = await balancer.ExchangeAsync($"GET /lb/route?{query} HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal(400, answer.Status);
        Assert.Contains(problem, answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("STICKY_BY=ip", "", "Every request so far came from 127.0.0.1", "STICKY_BY=cookie")]
    [InlineData("STICKY_BY=cookie", "Cookie: kiro=abc\r\n", "Every request so far has the same cookie kiro", "a cache")]
    [InlineData("STICKY_BY=cookie", "", null, null)]
    [InlineData("STICKY_BY=header:X-User", "X-User: a\r\n", "Every request so far has the same X-User", "STICKY_BY")]
    [InlineData("STICKY_BY=header:X-User", "", "No request so far has X-User, and all came from 127.0.0.1", "STICKY_BY")]
    public async Task Warning_OneKeyForAllClients_NamesTheFix(string setting, string fields, string? beginning, string? wayOut)
    {
        await using var one = RawBackend.Responding();
        await using var two = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", setting);
        using var client = await RawClient.ConnectAsync(balancer.Port);
        for (var request = 0; request < 100; request++)
        {
            await client.SendAsync($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            await client.ReadResponseAsync();
        }

        // On a busy machine there may also be a warning about a slow node.
        var warnings = (await AskAsync(balancer, "/lb/status", "")).GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()!)
            .Where(warning => warning.Contains(" request so far ", StringComparison.Ordinal)).ToArray();

        Assert.Equal(beginning is null ? 0 : 1, warnings.Length);
        Assert.All(warnings, warning => Assert.StartsWith(beginning!, warning, StringComparison.Ordinal));
        Assert.All(warnings, warning => Assert.Contains(wayOut!, warning, StringComparison.Ordinal));
    }

    private static async Task<JsonElement> AskAsync(TestBalancer balancer, string target, string fields)
    {
        var answer = await balancer.ExchangeAsync($"GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        Assert.Equal(200, answer.Status);
        using var document = JsonDocument.Parse(answer.Body);
        return document.RootElement.Clone();
    }
}
