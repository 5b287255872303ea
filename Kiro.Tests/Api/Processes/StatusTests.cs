using System.Net;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Api.Processes;

/// <summary>What <c>GET /api/status</c> tells whom.</summary>
public sealed class StatusTests
{
    [Fact]
    public async Task Status_WithoutTheToken_TellsNoAddressOfANode()
    {
        await using var node = new ApiNode(("NODE_NAME", "api-3"), ("ADMIN_TOKEN", "not-a-real-token"));
        await node.HealthAsync("ok");

        Assert.Equal(["name", "state"], await FieldsAsync(node));
        Assert.Equal(["name", "state", "address"], await FieldsAsync(node, ("Authorization", "Bearer not-a-real-token")));
        using var refused = await node.GetAsync("/api/status", ("Authorization", "Bearer wrong"));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());
    }

    private static async Task<List<string>> FieldsAsync(ApiNode node, params (string, string)[] headers)
    {
        JsonElement[] nodes = [];
        // The node knows itself from its first heartbeat on.
        await Eventually.BeTrue(
            async () => (nodes = [.. (await node.JsonAsync("/api/status", headers)).GetProperty("cluster").GetProperty("nodes").EnumerateArray()]).Length == 1,
            "the node is in its own list");
        return [.. nodes[0].EnumerateObject().Select(property => property.Name)];
    }
}
