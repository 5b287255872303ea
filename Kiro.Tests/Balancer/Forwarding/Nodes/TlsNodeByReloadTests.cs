using System.Net;
using Kiro.Balancer.Forwarding;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.Tests.Balancer.Forwarding.Nodes;

/// <summary>Nodes that switch to TLS, and back, while the balancer runs.</summary>
public sealed class TlsNodeByReloadTests : IAsyncLifetime
{
    private readonly TestAuthority _authority = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");
    private RawBackend _plain = null!;
    private TestBackend _secure = null!;
    private BalancerInProcess _balancer = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string SecureHost => $"https://{_secure.Host}";

    private string NodeFile => Path.Combine(_folder.FullName, "nodes");

    public async ValueTask InitializeAsync()
    {
        _plain = new RawBackend(async exchange => await exchange.OkAsync($"plain {await exchange.ReadBodyAsync()}"));
        _secure = await TestBackend.StartAsync("secure", listen => listen.UseHttps(_authority.Issue(["127.0.0.1"])));
        await ListAsync(_plain.Host);
        _balancer = await BalancerInProcess.Start($"BACKEND_FILE={NodeFile}", $"BACKEND_CA={_authority.File}", "HEALTH_INTERVAL=0.2", "HEALTH_FALL=1");
        await UpAsync(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _balancer.DisposeAsync();
        await _plain.DisposeAsync();
        await _secure.DisposeAsync();
        _folder.Delete(recursive: true);
        _authority.Dispose();
    }

    [Fact]
    public async Task Node_ThatCame_IsReachedOverConnectionsThatWereOpenBefore()
    {
        using var client = await RawClient.ConnectAsync(_balancer.Port);
        Assert.Equal("plain ", await GetAsync(client));

        await ListAsync(SecureHost);
        await Eventually.BeTrue(async () => await StateAsync(_plain.Host) == "draining" && await StateAsync(_secure.Host) == "up", "the list is taken");
        Assert.Contains("secure", await GetAsync(client), StringComparison.Ordinal);
        Assert.Contains("secure", await GetAsync(client), StringComparison.Ordinal);
        using var other = await RawClient.ConnectAsync(_balancer.Port);
        Assert.Contains("secure", await GetAsync(other), StringComparison.Ordinal);

        await ListAsync(_plain.Host);
        await _secure.StopAsync();
        await Eventually.BeTrue(async () => await StateAsync(_plain.Host) == "up" && await StateAsync(_secure.Host) is null, "the node without TLS is alone again");
        Assert.Equal("plain ", await GetAsync(client));
        Assert.Equal("plain ", await GetAsync(other));
        using var last = await RawClient.ConnectAsync(_balancer.Port);
        Assert.Equal("plain ", await GetAsync(last));
    }

    [Theory]
    // A PUT is buffered, and its node is chosen when it is complete.
    [InlineData("PUT", "secure")]
    [InlineData("POST", "plain helloworld")]
    public async Task Request_ThatIsUnderWayWhenTheNodeComes_IsServed(string method, string expected)
    {
        using var client = await RawClient.ConnectAsync(_balancer.Port);
        await client.SendAsync($"{method} / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: {await ClientOfTheSecureNodeAsync()}\r\nContent-Length: 10\r\n\r\nhello");
        var counters = _balancer.App.Services.GetRequiredService<ForwardingCounters>();
        await Eventually.BeTrue(() => counters.Requests == 1, "it is under way");

        await ListAsync(_plain.Host, SecureHost);
        await UpAsync(2);
        await client.SendAsync("world");

        var response = await client.ReadResponseAsync();
        Assert.Contains(expected, response.Body, StringComparison.Ordinal);
        Assert.Contains("helloworld", response.Body, StringComparison.Ordinal);
    }

    // Whose node follows from the address alone, whatever else is in the list now.
    private async Task<string> ClientOfTheSecureNodeAsync()
    {
        await ListAsync(_plain.Host, SecureHost);
        await UpAsync(2);
        var address = "";
        for (var host = 1; address.Length == 0; host++)
        {
            var status = await _balancer.Status($"203.0.113.{host}");
            address = status.GetProperty("client").GetProperty("backend").GetString() == _secure.Host ? $"203.0.113.{host}" : "";
        }

        await _secure.StopAsync();
        await ListAsync(_plain.Host);
        await Eventually.BeTrue(async () => await StateAsync(_secure.Host) is null, "the node without TLS is alone");
        await _secure.StartAsync();
        return address;
    }

    private static async Task<string> GetAsync(RawClient client)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        var answer = await client.ReadResponseAsync();
        Assert.Equal((int)HttpStatusCode.OK, answer.Status);
        return answer.Body;
    }

    private Task ListAsync(params string[] hosts) => File.WriteAllLinesAsync(NodeFile, hosts, Cancel);

    private async Task<string?> StateAsync(string host) => (await _balancer.Status()).GetProperty("backends").EnumerateArray()
        .Where(node => node.GetProperty("id").GetString() == host).Select(node => node.GetProperty("state").GetString()).SingleOrDefault();

    private Task UpAsync(int count) => Eventually.BeTrue(
        async () => (await _balancer.Status()).GetProperty("summary").GetProperty("healthy").GetInt32() == count, $"{count} nodes are up");
}
