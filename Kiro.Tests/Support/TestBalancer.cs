using System.Net;
using System.Net.Http.Json;
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

/// <summary>A whole balancer in the test process, listening on a real port, that forwards by the <see cref="TestedPath"/>.</summary>
internal sealed class TestBalancer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly CapturedLogs _logs;

    private TestBalancer(WebApplication app, int port, CapturedLogs logs)
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

    /// <summary>Opens a WebSocket to any balancer of the test.</summary>
    public static Task ConnectAsync(ClientWebSocket socket, int port, string path, HttpClient by) =>
        socket.ConnectAsync(new Uri($"{(TestedPath.IsTls ? "wss" : "ws")}://127.0.0.1:{port}{path}"), by, TestContext.Current.CancellationToken);

    /// <summary>Its log entries of level Warning and above.</summary>
    public IReadOnlyCollection<string> Logs => _logs.Lines;

    /// <summary>Checks the connections to backends every second of the balancer's clock.</summary>
    public ConnectionWatch Watch => _app.Services.GetRequiredService<ConnectionWatch>();

    /// <summary>Whether Kiro's own HTTP/1 exchange has a pool of connections to this backend.</summary>
    public bool HasPool(int port) => _app.Services.GetRequiredService<ConnectionPools>().TryFind(Backend(port)) is not null;

    /// <summary>The seconds that the connection watch and all event loops have seen pass on the balancer's clock.</summary>
    public int Seconds => _app.Services.GetRequiredService<FrontLoops>().All
        .Aggregate(Watch.Now, (seconds, worker) => Math.Min(seconds, (int)(worker.Loop.Now / 1000)));

    /// <summary>The event loops.</summary>
    public FrontLoops Front => _app.Services.GetRequiredService<FrontLoops>();

    /// <summary>The responses that the balancer generated itself.</summary>
    public OwnResponses Own => _app.Services.GetRequiredService<OwnResponses>();

    public ForwardingCounters Counters => _app.Services.GetRequiredService<ForwardingCounters>();

    private BackendRegistry Registry => _app.Services.GetRequiredService<BackendRegistry>();

    /// <summary>Starts it and waits until every node is up.</summary>
    /// <param name="hosts">BACKEND_HOSTS.</param>
    /// <param name="settings">Other settings as NAME=value.</param>
    public static Task<TestBalancer> StartAsync(string hosts, params string[] settings) => StartAsync(TimeProvider.System, hosts, settings);

    /// <summary>Starts it with another clock.</summary>
    public static async Task<TestBalancer> StartAsync(TimeProvider time, string hosts, params string[] settings)
    {
        var balancer = await StartUnreadyAsync(time, hosts, settings);
        await Eventually.BeTrue(
            () => balancer.Registry.Current.Backends is { Count: > 0 } backends && backends.All(backend => backend.Health.State == BackendState.Up),
            "all nodes are up");
        return balancer;
    }

    /// <summary>Starts it without waiting for the nodes.</summary>
    public static Task<TestBalancer> StartUnreadyAsync(string hosts, params string[] settings) =>
        StartUnreadyAsync(TimeProvider.System, hosts, settings);

    private static async Task<TestBalancer> StartUnreadyAsync(TimeProvider time, string hosts, string[] settings)
    {
        var port = FreePort.Next();
        var logs = new CapturedLogs();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(
            ((string[])[.. TestedPath.Settings(port, hosts), "DRAIN_DELAY=0", "FRONT_LOOPS=1", "Logging:Console:LogLevel:Default=None", .. settings])
            .Select(setting => setting.Split('=', 2)).GroupBy(parts => parts[0], parts => parts[1])
            .Select(values => KeyValuePair.Create(values.Key, (string?)values.Last())));
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton<ILoggerProvider>(logs);
        var app = BalancerApplication.Build(builder);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestBalancer(app, port, logs);
    }

    public LiveBackend Backend(int port) => new(Registry, Registry.Current.Backends.Single(known => known.Backend.Port == port).Backend);

    /// <summary>A client address whose home is this node.</summary>
    /// <param name="port">The port of the node.</param>
    /// <param name="skip">How many such addresses to skip.</param>
    public string ClientOf(int port, int skip = 0)
    {
        var hash = _app.Services.GetRequiredService<ClientHash>();
        return Enumerable.Range(1, 10_000).Select(host => $"203.0.{host / 250}.{host % 250}").Where(address =>
            Registry.Current.Selector.Ranking.First(hash.Slot(ClientAddress.From(IPAddress.Parse(address)))) is var index
            && Registry.Current.Backends[index].Backend.Port == port).ElementAt(skip);
    }

    /// <summary>A request from a client whose home is this node.</summary>
    public HttpRequestMessage Request(HttpMethod method, string target, int nodePort, HttpContent? content = null)
    {
        var request = new HttpRequestMessage(method, target) { Content = content };
        request.Headers.Add("X-Forwarded-For", ClientOf(nodePort));
        return request;
    }

    /// <summary>The node that serves a client whose home is this node.</summary>
    public async Task<string> NodeOfAsync(int nodePort)
    {
        using var request = Request(HttpMethod.Get, "/echo", nodePort);
        using var response = await Http.SendAsync(request, TestContext.Current.CancellationToken);
        return (await response.Content.ReadFromJsonAsync<ReceivedRequest>(TestContext.Current.CancellationToken))!.Node;
    }

    /// <summary>Sends a raw request on a new connection and reads the response.</summary>
    public Task<RawResponse> ExchangeAsync(string request) => RawClient.ExchangeAsync(Port, request);

    /// <summary>Drains and stops, as on SIGTERM.</summary>
    public Task StopAsync() => _app.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
