using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>STICKY_BY=header:NAME.</summary>
public class StickyHeaderTests
{
    private const string Header = "STICKY_BY=header:X-User";

    [Fact]
    public async Task Field_SameValue_IsTheSameNodeFromEveryAddress()
    {
        await using var one = RawBackend.Responding(Body("1"));
        await using var two = RawBackend.Responding(Body("2"));
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", Header);
        var seen = new HashSet<string>();
        for (var user = 0; user < 20; user++)
        {
            var node = await NodeAsync(balancer, $"X-User: user-{user}\r\nX-Forwarded-For: 203.0.113.1\r\n");
            Assert.Equal(node, await NodeAsync(balancer, $"x-user:  user-{user} \r\nX-Forwarded-For: 203.0.113.2\r\n"));
            seen.Add(node);
        }

        Assert.Equal(2, seen.Count);
        Assert.Contains(one.Heads, head => RawHead.Has(head, "X-User"));
        Assert.All(one.Heads, head => Assert.Matches("^[0-9a-f]{16}$", RawHead.Value(head, "X-Kiro-Client")));
    }

    [Fact]
    public async Task Field_SeveralLines_AreOneList()
    {
        await using var one = RawBackend.Responding(Body("1"));
        await using var two = RawBackend.Responding(Body("2"));
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", Header);
        for (var user = 0; user < 20; user++)
        {
            Assert.Equal(
                await NodeAsync(balancer, $"X-User: user-{user}, b\r\n"),
                await NodeAsync(balancer, $"X-User: user-{user}\r\nX-User:\r\nX-User: b\r\n"));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("X-User:\r\n")]
    [InlineData("X-User: \r\nX-User: \r\n")]
    public async Task Field_Missing_UsesTheAddress(string fields)
    {
        await using var one = RawBackend.Responding(Body("1"));
        await using var two = RawBackend.Responding(Body("2"));
        await using var balancer = await TestBalancer.StartAsync($"{one.Host},{two.Host}", Header);

        Assert.Equal("1", await NodeAsync(balancer, $"{fields}X-Forwarded-For: {balancer.ClientOf(one.Port)}\r\n"));
        Assert.Equal("2", await NodeAsync(balancer, $"{fields}X-Forwarded-For: {balancer.ClientOf(two.Port)}\r\n"));
        Assert.False(RawHead.Has(one.Heads.Single(), "X-Kiro-Client"));
    }

    private static string Body(string body) => $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    private static async Task<string> NodeAsync(TestBalancer balancer, string fields)
    {
        var answer = await balancer.ExchangeAsync($"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        Assert.False(answer.Has("Set-Cookie"));
        return answer.Body;
    }
}

[OverLean]
public sealed class StickyHeaderOverLeanTests : StickyHeaderTests;

[OverYarp]
public sealed class StickyHeaderOverYarpTests : StickyHeaderTests;
