using System.Net;
using System.Text;

namespace Kiro.Tests.Api.Processes;

public sealed class CallerTests
{
    [Fact]
    public async Task ClientIp_TrustedPeer_IsTakenFromItsFields()
    {
        await using var node = new ApiNode(("TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8"), ("NODE_NAME", "api-3"), ("ADMIN_TOKEN", "sesame"));
        await node.HealthAsync("ok");

        Assert.Equal("127.0.0.1", await IpAsync(node));
        Assert.Equal("203.0.113.7", await IpAsync(node, ("X-Real-IP", "203.0.113.7"), ("X-Forwarded-For", "198.51.100.1")));
        Assert.Equal("10.0.0.9", await IpAsync(node, ("X-Real-IP", "10.0.0.9"), ("X-Forwarded-For", "198.51.100.1")));
        Assert.Equal("203.0.113.9", await IpAsync(node, ("X-Forwarded-For", "198.51.100.1, 203.0.113.9, 10.0.0.7")));
        Assert.Equal("203.0.113.9", await IpAsync(node, ("X-Forwarded-For", "::ffff:203.0.113.9")));
        Assert.Equal("2001:db8:1:2::3", await IpAsync(node, ("X-Forwarded-For", "2001:db8:1:2::3")));
        Assert.Equal("127.0.0.1", await IpAsync(node, ("X-Real-IP", "nobody")));

        // The ledger has these addresses, but shows them masked without the admin token.
        await Support.Eventually.BeTrue(
            async () => (await ClientsAsync(node, ("Authorization", "Bearer sesame"))).Contains("2001:db8:1:2::3"), "the ledger was flushed");
        Assert.Contains("2001:db8:1:*", await ClientsAsync(node));
        Assert.DoesNotContain("203.0.113.9", await ClientsAsync(node));
        using var refused = await node.GetAsync("/api/clients", ("Authorization", "Bearer guess"));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task ClientIp_UntrustedPeer_IsThePeer()
    {
        // On its own, this variable would make ASP.NET Core trust every peer.
        await using var node = new ApiNode(("TRUSTED_PROXIES", "10.0.0.0/8"), ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true"));
        await node.HealthAsync("ok");

        Assert.Equal("127.0.0.1", await IpAsync(node, ("X-Forwarded-For", "203.0.113.7")));
        Assert.Equal("127.0.0.1", await IpAsync(node, ("X-Real-IP", "203.0.113.7")));
    }

    [Fact]
    public async Task Demo_EchoSlowAndStatus_Respond()
    {
        await using var node = new ApiNode(("NODE_NAME", "api-3"));
        await node.HealthAsync("ok");
        var body = new byte[300_000];
        Random.Shared.NextBytes(body);
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new("application/x-kiro");

        using var echo = await node.Client.PostAsync("/api/echo", content, TestContext.Current.CancellationToken);
        Assert.Equal("application/x-kiro", echo.Content.Headers.ContentType?.MediaType);
        Assert.Equal(body, await echo.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        using var bad = await node.GetAsync("/api/slow?ms=60001");
        Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
        using var page = await node.GetAsync("/");
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains("script-src 'sha256-", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var status = await node.JsonAsync("/api/status");
        Assert.Equal("api-3", status.GetProperty("client").GetProperty("node").GetString());
        using var metrics = await node.GetAsync("/metrics");
        Assert.Contains(
            "kiro_api_database_up", await metrics.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static async Task<string?> IpAsync(ApiNode node, params (string, string)[] headers) =>
        (await node.JsonAsync("/api/client-ip", headers)).GetProperty("ip").GetString();

    private static async Task<List<string?>> ClientsAsync(ApiNode node, params (string, string)[] headers) =>
        [.. (await node.JsonAsync("/api/clients", headers)).GetProperty("clients").EnumerateArray()
            .Select(client => client.GetProperty("client").GetString())];
}
