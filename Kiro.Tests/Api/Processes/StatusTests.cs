using System.Net;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>What <c>GET /api/status</c> shows with and without the admin token.</summary>
public sealed class StatusTests
{
    [Fact]
    public async Task Status_WithoutToken_ShowsNoNodeAddresses()
    {
        await using var node = new ApiNode(("NODE_NAME", "api-3"), ("ADMIN_TOKEN", "not-a-real-token"));
        await node.HealthAsync("ok");

        Assert.Equal(["name", "state"], await FieldsAsync(node));
        Assert.Equal(["name", "state", "address"], await FieldsAsync(node, ("Authorization", "Bearer not-a-real-token")));
        using var rejected = await node.GetAsync("/api/status", ("Authorization", "Bearer wrong"));
        Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
        Assert.Equal("Bearer", rejected.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task Status_ManyWrongTokens_AreRateLimited()
    {
        await using var node = new ApiNode(("ADMIN_TOKEN", "not-a-real-token"));
        await node.HealthAsync("ok");
        var codes = new List<HttpStatusCode>();
        for (var guess = 0; guess < 30; guess++)
        {
            using var response = await node.GetAsync("/api/status", ("Authorization", $"Bearer {guess}"), ("X-Real-IP", "203.0.113.7"));
            codes.Add(response.StatusCode);
        }

        using var right = await node.GetAsync("/api/clients", ("Authorization", "Bearer not-a-real-token"), ("X-Real-IP", "203.0.113.7"));
        using var other = await node.GetAsync("/api/clients", ("Authorization", "Bearer not-a-real-token"), ("X-Real-IP", "203.0.113.8"));

        Assert.All(codes[..10], code => Assert.Equal(HttpStatusCode.Unauthorized, code));
        Assert.Contains(HttpStatusCode.TooManyRequests, codes);
        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (right.StatusCode, other.StatusCode));
        Assert.InRange(right.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 10);
    }

    private static async Task<List<string>> FieldsAsync(ApiNode node, params (string, string)[] headers)
    {
        JsonElement[] nodes = [];
        // The node appears after its first heartbeat.
        await Eventually.BeTrue(
            async () => (nodes = [.. (await node.JsonAsync("/api/status", headers)).GetProperty("cluster").GetProperty("nodes").EnumerateArray()]).Length == 1,
            "the node is in its own list");
        return [.. nodes[0].EnumerateObject().Select(property => property.Name)];
    }
}
