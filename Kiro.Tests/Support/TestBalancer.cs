using System.Net;
using System.Net.WebSockets;
using Kiro.Balancer;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Front.Listening;
using Kiro.Balancer.Selection;
using Kiro.Balancer.Telemetry.Traffic;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.Tests.Support;

/// <summary>The whole balancer in this process, behind a real port.</summary>
internal sealed class TestBalancer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly NotedLogs _logs;

    private TestBalancer(WebApplication app, int port, NotedLogs logs)
    {
        (_app, Port, _logs) = (app, port, logs);
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        Http = new HttpClient(handler)
        {
            BaseAddress = new Uri($"{TestedPath.Scheme}://127.0.0.1:{port}"),
            Timeout = TimeSpan.FromSeconds(Eventually.Patience),
        };
    }

    public int Port { get; }

    public HttpClient Http { get; }

    /// <summary>Opens a WebSocket.</summary>
    public Task ConnectAsync(ClientWebSocket socket, string path) => ConnectAsync(socket, Port, path, Http);

    /// <summary>The same to any balancer of the running test.</summary>
    public static Task ConnectAsync(ClientWebSocket socket, int port, string path, HttpClient by) =>
        socket.ConnectAsync(new Uri($"{(TestedPath.IsTls ? "wss" : "ws")}://127.0.0.1:{port}{path}"), by, TestContext.Current.CancellationToken);

    /// <summary>What it logged, from Warning on.</summary>
    public IReadOnlyCollection<string> Logs => _logs.Lines;

    /// <summary>What looks at the connections to nodes every second of the balancer's clock.</summary>
    public ConnectionWatch Watch => _app.Services.GetRequiredService<ConnectionWatch>();

    /// <summary>Whether connections to the node were kept by Kiro's own exchange.</summary>
    public bool HasPool(int port) => _app.Services.GetRequiredService<ConnectionPools>().TryFind(Backend(port)) is not null;

    /// <summary>Seconds that everything which looks at the balancer's clock has seen.</summary>
    public int Seconds => _app.Services.GetRequiredService<FrontLoops>().All
        .Aggregate(Watch.Now, (seconds, worker) => Math.Min(seconds, (int)(worker.Loop.Now / 1000)));

    /// <summary>The event loops.</summary>
    public FrontLoops Front => _app.Services.GetRequiredService<FrontLoops>();

    /// <summary>What it answered in place of a node.</summary>
    public OwnResponses Own => _app.Services.GetRequiredService<OwnResponses>();

    public ForwardingCounters Counters => _app.Services.GetRequiredService<ForwardingCounters>();

    private BackendRegistry Registry => _app.Services.GetRequiredService<BackendRegistry>();

    /// <summary>Starts it and waits until every node is up.</summary>
    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="settings">Other variables as NAME=value.</param>
    public static Task<TestBalancer> StartAsync(string hosts, params string[] settings) => StartAsync(TimeProvider.System, hosts, settings);

    /// <summary>The same on another clock.</summary>
    public static async Task<TestBalancer> StartAsync(TimeProvider time, string hosts, params string[] settings)
    {
        var balancer = await StartUnreadyAsync(time, hosts, settings);
        await Eventually.BeTrue(
            () => balancer.Registry.Current.Backends is { Count: > 0 } backends && backends.All(backend => backend.Health.State == BackendState.Up),
            "all nodes are up");
        return balancer;
    }

    /// <summary>Starts it and does not wait for the nodes.</summary>
    public static Task<TestBalancer> StartUnreadyAsync(string hosts, params string[] settings) =>
        StartUnreadyAsync(TimeProvider.System, hosts, settings);

    private static async Task<TestBalancer> StartUnreadyAsync(TimeProvider time, string hosts, string[] settings)
    {
        var port = FreePort.Next();
        var logs = new NotedLogs();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(
            ((string[])[.. TestedPath.Ports(port), $"BACKEND_HOSTS={hosts}", "DRAIN_DELAY=0", "FRONT_LOOPS=1", TestedPath.Setting, "Logging:Console:LogLevel:Default=None", .. settings])
            .Select(setting => setting.Split('=', 2)).GroupBy(parts => parts[0], parts => parts[1])
            .Select(values => KeyValuePair.Create(values.Key, (string?)values.Last())));
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton<ILoggerProvider>(logs);
        var app = BalancerApplication.Build(builder);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestBalancer(app, port, logs);
    }

    public LiveBackend Backend(int port) => new(Registry, Registry.Current.Backends.Single(known => known.Backend.Port == port).Backend);

    /// <summary>An address whose requests go to this node first.</summary>
    /// <param name="port">The node's.</param>
    /// <param name="skip">How many such addresses to pass over.</param>
    public string ClientOf(int port, int skip = 0)
    {
        var hash = _app.Services.GetRequiredService<ClientHash>();
        return Enumerable.Range(1, 10_000).Select(host => $"203.0.{host / 250}.{host % 250}").Where(address =>
            Registry.Current.Selector.Ranking.First(hash.Slot(ClientAddress.From(IPAddress.Parse(address)))) is var place
            && Registry.Current.Backends[place].Backend.Port == port).ElementAt(skip);
    }

    /// <summary>A request of a client of this node.</summary>
    public HttpRequestMessage Request(HttpMethod method, string target, int nodePort, HttpContent? content = null)
    {
        var request = new HttpRequestMessage(method, target) { Content = content };
        request.Headers.Add("X-Forwarded-For", ClientOf(nodePort));
        return request;
    }

    /// <summary>Sends raw bytes over a connection of their own and reads the response.</summary>
    public Task<RawResponse> ExchangeAsync(string request) => RawClient.ExchangeAsync(Port, request);

    /// <summary>As SIGTERM: drains, then stops.</summary>
    public Task StopAsync() => _app.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
