using System.Net;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Peers;

/// <summary>Changed peers, and a changed token, while balancers run.</summary>
public sealed class PeerReloadTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef";
    private const string Next = "another-token-of-ours";

    private TestBackend _node = null!;
    private BalancerInProcess _one = null!;
    private BalancerInProcess _other = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await TestBackend.StartAsync();
        _one = await BalancerInProcess.Start($"BACKEND_HOSTS={_node.Host}", $"ADMIN_TOKEN={Token}");
        _other = await BalancerInProcess.Start($"BACKEND_HOSTS={_node.Host}", $"ADMIN_TOKEN={Token}");
        await Eventually.BeTrue(async () => await StateOf(_one) == "up" && await StateOf(_other) == "up", "the node is up");
    }

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _other.DisposeAsync();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task Reload_PeersAndToken_TakeEffect()
    {
        Assert.Empty((await _one.Status()).GetProperty("peers").EnumerateArray());
        _one.App.Configuration["BALANCER_PEERS"] = $"127.0.0.1:{_other.Port}";
        await PostAsync(_one, "/lb/reload", Token);
        await Eventually.BeTrue(() => IsReachedAsync(true), "the peer is asked");
        await PostAsync(_one, $"/lb/backends/{_node.Host}/drain", Token);
        await Eventually.BeTrue(async () => await StateOf(_other) == "draining", "the peer is told");

        // First one of them, as with two hosts.
        _other.App.Configuration["ADMIN_TOKEN"] = Next;
        await PostAsync(_other, "/lb/reload", Token);
        await Eventually.BeTrue(() => IsReachedAsync(false), "the old token is wrong");
        _one.App.Configuration["ADMIN_TOKEN"] = Next;
        await PostAsync(_one, "/lb/reload", Token);
        await Eventually.BeTrue(() => IsReachedAsync(true), "the new one is right");
        await PostAsync(_one, $"/lb/backends/{_node.Host}/resume", Next);
        await Eventually.BeTrue(async () => await StateOf(_other) == "up", "the peer is told again");

        _one.App.Configuration["BALANCER_PEERS"] = null;
        await PostAsync(_one, "/lb/reload", Next);
        await Eventually.BeTrue(async () => !(await _one.Status()).GetProperty("peers").EnumerateArray().Any(), "there is no peer any more");
    }

    private static async Task<string?> StateOf(BalancerInProcess balancer) =>
        (await balancer.Status()).GetProperty("backends")[0].GetProperty("state").GetString();

    private async Task<bool> IsReachedAsync(bool isReached) =>
        (await _one.Status()).GetProperty("peers") is { ValueKind: JsonValueKind.Array } peers
        && peers.GetArrayLength() == 1 && peers[0].GetProperty("reachable").GetBoolean() == isReached;

    private static async Task PostAsync(BalancerInProcess balancer, string path, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = new("Bearer", token);
        using var response = await balancer.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }
}
