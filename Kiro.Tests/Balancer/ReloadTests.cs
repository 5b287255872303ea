using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer;

/// <summary>Reloading the settings of a running balancer, with real nodes, sockets and files.</summary>
public sealed class ReloadTests : IAsyncLifetime
{
    private const string Token = "0123456789abcdef";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-test-");
    private readonly List<TestBackend> _nodes = [];
    private BalancerInProcess _balancer = null!;

    private string NodeFile => Path.Combine(_folder.FullName, "nodes");

    public async ValueTask InitializeAsync()
    {
        for (var number = 1; number <= 3; number++)
        {
            _nodes.Add(await TestBackend.StartAsync($"node-{number}"));
        }

        await File.WriteAllLinesAsync(NodeFile, _nodes.Take(2).Select(node => node.Host));
        _balancer = await BalancerInProcess.Start(
            $"BACKEND_FILE={NodeFile}", $"ADMIN_TOKEN={Token}", "HEALTH_INTERVAL=0.2", "DRAIN_DELAY=1", "TRUSTED_PROXIES=none");
        await UpAsync(2);
    }

    public async ValueTask DisposeAsync()
    {
        await _balancer.DisposeAsync();
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task File_NodesAndWeightsChange_IsReloadedByItself()
    {
        await File.WriteAllTextAsync(NodeFile, $"{_nodes[1].Host}*3 # stays\n{_nodes[2].Host}\n", TestContext.Current.CancellationToken);

        await Eventually.BeTrue(async () => Nodes(await _balancer.Status()).Contains($"{_nodes[2].Host} up 1"), "the third node is up");

        var status = await _balancer.Status();
        Assert.Contains($"{_nodes[1].Host} up 3", Nodes(status));
        Assert.Contains($"{_nodes[0].Host} draining 1", Nodes(status));
        Assert.Equal("BACKEND_FILE", Assert.Single(Settings(status).GetProperty("changed").EnumerateArray()).GetString());
        Assert.Equal("file", status.GetProperty("balancer").GetProperty("mode").GetString());
    }

    [Fact]
    public async Task File_Invalid_ChangesNothingAndWarnsUntilItIsFixed()
    {
        await File.WriteAllTextAsync(NodeFile, $"{_nodes[2].Host}\nnonsense\n", TestContext.Current.CancellationToken);
        await Eventually.BeTrue(async () => Settings(await _balancer.Status()).GetProperty("isRefused").GetBoolean(), "the file is rejected");

        var rejected = await _balancer.Status();
        Assert.Contains($"New settings were rejected, the previous ones stay in force: BACKEND_FILE={NodeFile} is not valid: expected host:port or host:port*weight, with https:// before it for TLS, ports from 1 to 65535, weights from 0.01 to 1000, on each line; line 2, nonsense, is not.", Warnings(rejected));
        Assert.Equal(_nodes.Take(2).Select(node => $"{node.Host} up 1").Order(), Nodes(rejected).Order());

        await File.WriteAllTextAsync(NodeFile, $"{_nodes[0].Host}\n{_nodes[1].Host}\n", TestContext.Current.CancellationToken);
        await Eventually.BeTrue(async () => !Settings(await _balancer.Status()).GetProperty("isRefused").GetBoolean(), "the file is fixed");
        Assert.DoesNotContain(Warnings(await _balancer.Status()), warning => warning!.StartsWith("New settings", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reload_InvalidValue_Is422AndNamesIt()
    {
        Set("HEALTH_FALL", "0");

        using var rejected = await ReloadAsync();

        Assert.Equal(HttpStatusCode.UnprocessableEntity, rejected.StatusCode);
        Assert.Contains("HEALTH_FALL=0 is not valid: expected a whole number from 1 to 100.", await rejected.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Set("HEALTH_FALL", null);
        using var accepted = await ReloadAsync();
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    [Fact]
    public async Task Reload_Port_StaysPendingWithAWarning()
    {
        Set("BALANCER_PORT", "1");

        using var response = await ReloadAsync();

        Assert.Contains("\"pending\":[\"BALANCER_PORT\"]", await response.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        Assert.Contains(
            "BALANCER_PORT was changed but cannot be reloaded: the previous value stays in force until a restart or a takeover.",
            Warnings(await _balancer.Status()));
    }

    [Fact]
    public async Task Reload_Token_InvalidatesTheOldOneAtOnce()
    {
        Set("ADMIN_TOKEN", "another-token-of-ours");
        (await ReloadAsync()).Dispose();

        using var old = await ReloadAsync();
        using var now = await ReloadAsync("another-token-of-ours");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (old.StatusCode, now.StatusCode));
    }

    [Fact]
    public async Task Reload_TrustedProxies_AppliesToTheNextRequest()
    {
        Assert.Equal("127.0.0.1", (await _balancer.Status("203.0.113.7")).GetProperty("client").GetProperty("ip").GetString());
        Set("TRUSTED_PROXIES", "127.0.0.0/8");
        (await ReloadAsync()).Dispose();

        Assert.Equal("203.0.113.7", (await _balancer.Status("203.0.113.7")).GetProperty("client").GetProperty("ip").GetString());
    }

    [Fact]
    public async Task Reload_RequestLimit_IsAppliedAndRemoved()
    {
        Set("LIMIT_REQUESTS_PER_SECOND", "0.01");
        Set("LIMIT_BURST", "1");
        (await ReloadAsync()).Dispose();
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.TooManyRequests], [await GetAsync(), await GetAsync()]);

        Set("LIMIT_REQUESTS_PER_SECOND", null);
        Set("LIMIT_BURST", null);
        (await ReloadAsync()).Dispose();
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [await GetAsync(), await GetAsync()]);
    }

    [Fact]
    public async Task Reload_WhileDraining_IsApplied()
    {
        var stop = _balancer.App.StopAsync(Cancel);
        await Eventually.BeTrue(async () => (await _balancer.Status()).GetProperty("balancer").GetProperty("state").GetString() == "draining", "the balancer is draining");
        Set("HEALTH_TIMEOUT", "2");

        using var response = await ReloadAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await stop;
    }

    [Fact]
    public async Task Reload_RepeatedlyUnderLoad_FailsNoRequest()
    {
        using var stop = new CancellationTokenSource();
        var load = Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var served = 0;
            for (; !stop.IsCancellationRequested; served++)
            {
                using var request = new HttpRequestMessage(worker % 2 == 0 ? HttpMethod.Get : HttpMethod.Post, "/");
                request.Headers.ConnectionClose = served % 2 == 0;
                request.Content = worker % 2 == 0 ? null : new StringContent("hello");
                using var response = await _balancer.Http.SendAsync(request);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            }

            return served;
        })).ToList();
        for (var round = 0; round < 20; round++)
        {
            await File.WriteAllLinesAsync(NodeFile, _nodes.Skip(round % 2).Take(2).Select(node => $"{node.Host}*{1 + round % 3}"), Cancel);
            Set("HEALTH_TIMEOUT", $"{1 + round % 2}");
            Set("LIMIT_CONNECTIONS", $"{1000 + round}");
            Set("EXCHANGE_TIMEOUT", $"{100 + round}");
            Set("ACCESS_LOG", round % 2 == 0 ? "on" : "off");
            var responses = await Task.WhenAll(ReloadAsync(), ReloadAsync());
            Assert.All(responses, response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
            await Task.Delay(100, Cancel);
        }

        await stop.CancelAsync();

        Assert.All(await Task.WhenAll(load), served => Assert.True(served > 0));
        Assert.InRange(Settings(await _balancer.Status()).GetProperty("generation").GetInt32(), 21, 60);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static JsonElement Settings(JsonElement status) => status.GetProperty("balancer").GetProperty("settings");

    private static IEnumerable<string> Nodes(JsonElement status) => status.GetProperty("backends").EnumerateArray()
        .Select(node => $"{node.GetProperty("id").GetString()} {node.GetProperty("state").GetString()} {node.GetProperty("weight").GetDouble()}");

    private static IEnumerable<string?> Warnings(JsonElement status) => status.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString());

    private void Set(string name, string? value) => _balancer.App.Configuration[name] = value;

    private async Task<HttpStatusCode> GetAsync()
    {
        using var response = await _balancer.Http.GetAsync("/", Cancel);
        return response.StatusCode;
    }

    private Task<HttpResponseMessage> ReloadAsync(string token = Token)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/lb/reload");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return _balancer.Http.SendAsync(request, Cancel);
    }

    private Task UpAsync(int count) => Eventually.BeTrue(
        async () => (await _balancer.Status()).GetProperty("summary").GetProperty("healthy").GetInt32() == count, $"{count} nodes are up");
}
