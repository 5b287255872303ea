using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.Tests.Balancer.Listening.Tls;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>
/// New processes take over the ports of old ones under load. The old process cuts off a connection whose first request takes longer
/// than <c>DRAIN_DELAY</c>, which on a busy machine is seconds. <c>KIRO_TAKEOVERS</c> is the number of takeovers, 3 by default.
/// </summary>
[Collection(RunsLate.Balancers)]
public sealed class TakeoverTests : IAsyncLifetime
{
    private readonly int _rounds = int.TryParse(Environment.GetEnvironmentVariable("KIRO_TAKEOVERS"), out var rounds) ? rounds : 3;
    private readonly List<ServiceProcess> _processes = [];
    private readonly TestCertificates _certificates = new();
    private readonly Dictionary<string, string> _settings = [];
    private TestBackend[] _nodes = [];

    private int Port => int.Parse(_settings["BALANCER_PORT"], CultureInfo.InvariantCulture);

    private int TlsPort => int.Parse(_settings["TLS_PORT"], CultureInfo.InvariantCulture);

    public async ValueTask InitializeAsync()
    {
        Requirement.Need("Linux", OperatingSystem.IsLinux(), "a port can be taken over on Linux only.");
        _nodes = [await TestBackend.StartAsync("node-1"), await TestBackend.StartAsync("node-2")];
        _certificates.Write("kiro", ["kiro.test"]);
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
            [
                ("BALANCER_PORT", $"{FreePort.Next()}"), ("TLS_PORT", $"{FreePort.Next()}"), ("TLS_CERTIFICATE", _certificates.PathOf("kiro.crt")),
                ("TLS_KEY", _certificates.PathOf("kiro.key")), ("BACKEND_HOSTS", string.Join(',', _nodes.Select(node => node.Host))), ("DRAIN_DELAY", "10"),
            ])
        {
            _settings[name] = value;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        _certificates.Dispose();
    }

    [Theory]
    [InlineData("loop")]
    [InlineData("lean")]
    public async Task Takeover_RepeatedlyUnderLoad_FailsNoRequest(string forwarder)
    {
        _settings["FORWARDER"] = forwarder;
        var current = await StartAsync();
        await using var plain = new NewConnections(Port, 6);
        await using var secure = new NewConnections(TlsPort, 2, isTls: true);
        var leaving = new List<ServiceProcess>();
        for (var round = 0; round < _rounds; round++)
        {
            var next = await StartAsync("--takeover");
            leaving.Add(current);
            current = next;
            var before = (plain.Requests, secure.Requests);
            await Eventually.BeTrue(() => plain.Requests > before.Item1 + 20 && secure.Requests > before.Item2 + 5, "the new process serves requests");
        }

        foreach (var process in leaving)
        {
            Assert.Equal(0, await process.ExitCode());
        }

        await Task.WhenAll(plain.StopAsync(), secure.StopAsync());
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{forwarder}, {_rounds} takeovers: {plain.Requests} requests, {plain.Failures.Count} failed; HTTPS {secure.Requests}, {secure.Failures.Count} failed"));
        Assert.Empty(plain.Failures);
        Assert.Empty(secure.Failures);
    }

    // All listeners are taken over together, including the admin listener.
    [Theory]
    [InlineData("loop")]
    [InlineData("lean")]
    public async Task Takeover_OtherListenersUnderLoad_FailsNoRequest(string forwarder)
    {
        _settings["FORWARDER"] = forwarder;
        var (admin, secure) = (FreePort.Next(), TlsPort);
        _settings["ADMIN_LISTEN"] = $"127.0.0.1:{admin}";
        var current = await StartAsync();
        List<NewConnections> loads = [new(Port, 2), new(admin, 2, pageOnly: "/lb/status"), new(secure, 2, isTls: true)];
        for (var round = 0; round < _rounds; round++)
        {
            var old = current;
            current = await StartAsync("--takeover");
            Assert.Equal(0, await old.ExitCode());
            var before = loads.ConvertAll(load => load.Requests);
            await Eventually.BeTrue(() => loads.Zip(before).All(pair => pair.First.Requests > pair.Second + 5), "the new process serves requests alone");
        }

        await Task.WhenAll(loads.Select(load => load.StopAsync()));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{forwarder}, {_rounds} takeovers: {string.Join(", ", loads.Select(load => $"{load.Requests} requests, {load.Failures.Count} failed"))}"));
        Assert.All(loads, load => Assert.Empty(load.Failures));
    }

    [Theory]
    [InlineData("HEALTH_FALL", "0", "HEALTH_FALL=0 is not valid")]
    [InlineData("BACKEND_HOSTS", "127.0.0.1:1", "--takeover: none of 1 nodes is up here, so process")]
    public async Task Takeover_WithInvalidConfiguration_FailsAndTheOldProcessContinues(string name, string value, string line)
    {
        // The load has stopped by the time of the takeover.
        _settings["DRAIN_DELAY"] = "1";
        var old = await StartAsync();
        await using var load = new NewConnections(Port, 2);
        var good = _settings.GetValueOrDefault(name);
        _settings[name] = value;

        var bad = Start("--takeover");
        Assert.Equal(1, await bad.ExitCode());

        Assert.Contains(line, bad.Output, StringComparison.Ordinal);
        var seen = load.Requests;
        await Eventually.BeTrue(() => load.Requests > seen + 20, "the old process serves requests");
        await load.StopAsync();
        Assert.Empty(load.Failures);
        Assert.False(old.HasExited);
        _settings[name] = good ?? "";
        await StartAsync("--takeover");
        Assert.Equal(0, await old.ExitCode());
    }

    [Fact]
    public async Task Takeover_NothingToTakeOver_IsANormalStart()
    {
        var process = await StartAsync("--takeover");

        Assert.Contains("--takeover: no process is serving port", process.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takeover_RequestInFlight_IsCompletedByTheOldProcess()
    {
        _settings["DRAIN_DELAY"] = "1";
        var old = await StartAsync();
        using var http = new HttpClient();
        var held = http.GetStringAsync(new Uri($"http://127.0.0.1:{Port}/hold"), TestContext.Current.CancellationToken);
        await Eventually.BeTrue(() => _nodes.Any(node => !node.Arrived.IsEmpty), "the request has arrived");

        await StartAsync("--takeover");
        await Eventually.BeTrue(() => old.Output.Contains("took over the port", StringComparison.Ordinal), "the old process stops");
        Array.ForEach(_nodes, node => node.Hold.Release());

        await held;
        Assert.Equal(0, await old.ExitCode());
    }

    [Fact]
    public async Task Takeover_Orders_AreHandedOverWithoutAFile()
    {
        _settings["ADMIN_TOKEN"] = "0123456789abcdef";
        await StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };
        using var order = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{_nodes[0].Host}/drain");
        order.Headers.Authorization = new("Bearer", _settings["ADMIN_TOKEN"]);
        (await http.SendAsync(order, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        await StartAsync("--takeover");

        using var fresh = new HttpClient { BaseAddress = http.BaseAddress };
        fresh.DefaultRequestHeaders.ConnectionClose = true;
        await Eventually.BeTrue(
            async () => (await fresh.GetStringAsync(new Uri("/lb/status", UriKind.Relative), TestContext.Current.CancellationToken)) is var status
                && status.Contains("\"drainedByOperator\":true", StringComparison.Ordinal) && status.Contains("\"state\":\"running\"", StringComparison.Ordinal),
            "the new process has the order");
    }

    // On a connection to the old process, an order would not reach the new one, so it is rejected with Retry-After.
    [Fact]
    public async Task Takeover_OrderToTheOldProcess_IsRejected()
    {
        _settings["ADMIN_TOKEN"] = "0123456789abcdef";
        var old = await StartAsync();
        using var kept = await RawClient.ConnectAsync(Port);
        await kept.SendAsync("GET /lb/status HTTP/1.1\r\nHost: kiro.test\r\n\r\n");
        Assert.Equal(200, (await kept.ReadResponseAsync()).Status);
        await StartAsync("--takeover");
        await Eventually.BeTrue(() => old.Output.Contains("took over the port", StringComparison.Ordinal), "the old process stops");

        await kept.SendAsync(
            $"POST /lb/backends/{_nodes[0].Host}/drain HTTP/1.1\r\nHost: kiro.test\r\nAuthorization: Bearer {_settings["ADMIN_TOKEN"]}\r\nContent-Length: 0\r\n\r\n");
        var response = await kept.ReadResponseAsync();

        Assert.Equal((503, "1"), (response.Status, response.Value("Retry-After")));
        Assert.Contains("another process has taken over the port", response.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("loop")]
    [InlineData("lean")]
    public async Task Takeover_ClientsWithSessions_KeepTheirNodes(string forwarder)
    {
        (_settings["FORWARDER"], _settings["SESSION_IDLE"]) = (forwarder, "600");
        _settings["BACKEND_HOSTS"] = $"{_nodes[0].Host}*9,{_nodes[1].Host}";
        var old = await StartAsync();
        var before = await ServeAsync();
        // In the new process most clients hash to the other node.
        _settings["BACKEND_HOSTS"] = $"{_nodes[0].Host},{_nodes[1].Host}*9";
        await StartAsync("--takeover");
        await Eventually.BeTrue(() => old.Output.Contains("took over the port", StringComparison.Ordinal), "the old process stops");

        Assert.InRange(before.Count(node => node == _nodes[0].Node), 300, 499);
        Assert.Equal(before, await ServeAsync());
    }

    /// <summary>The node that serves each of 500 clients.</summary>
    private async Task<string[]> ServeAsync()
    {
        using var http = new HttpClient();
        var nodes = new string[500];
        for (var client = 0; client < nodes.Length; client++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{Port}/hello"));
            request.Headers.Add("X-Forwarded-For", string.Create(CultureInfo.InvariantCulture, $"203.0.{113 + (client / 250)}.{client % 250}"));
            using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
            nodes[client] = (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("node").GetString()!;
        }

        return nodes;
    }

    private async Task<ServiceProcess> StartAsync(params string[] arguments)
    {
        var process = Start(arguments);
        await Eventually.BeTrue(
            () => process.HasExited || process.Output.Contains("Listening on", StringComparison.Ordinal), "the balancer listens");
        if (process.HasExited)
        {
            // Also waits for the rest of the output.
            await process.ExitCode();
            Assert.Fail(process.Output);
        }

        if (arguments.Length == 0)
        {
            using var http = new HttpClient();
            await Eventually.BeTrue(async () => (await http.GetAsync(new Uri($"http://127.0.0.1:{Port}/health"))).IsSuccessStatusCode, "the nodes are up");
        }

        return process;
    }

    private ServiceProcess Start(params string[] arguments)
    {
        var process = new ServiceProcess("Kiro.Balancer", _settings, arguments);
        _processes.Add(process);
        return process;
    }
}
