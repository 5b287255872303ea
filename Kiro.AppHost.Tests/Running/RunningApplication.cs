using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.AppHost.Tests.Support;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.AppHost.Tests.Running;

/// <summary>The whole application under Aspire's orchestrator, with its dashboard, on free ports, with MariaDB where that is installed.</summary>
[CollectionDefinition(nameof(RunningApplication))]
public sealed class RunningApplication : IAsyncLifetime, ICollectionFixture<RunningApplication>
{
    // It takes a minute on a machine that has nothing else to do; more only costs time when it fails.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly MariaDb _server = new();
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"kiro-{Guid.NewGuid():N}.db");
    private IDistributedApplicationTestingBuilder _builder = null!;
    private DistributedApplication _application = null!;
    private HttpClient _http = null!;

    /// <summary>Whether there is a database server; otherwise the nodes share a file.</summary>
    public static bool HasServer { get; } = Requirement.Find("mariadbd", "mysqld") is not null && Requirement.Find("mariadb-install-db") is not null;

    public async ValueTask InitializeAsync()
    {
        List<(string, string)> settings = [("FREE_PORTS", "1"), ("ADMIN_TOKEN", "0123456789abcdef")];
        if (HasServer)
        {
            await _server.ReadyAsync();
            var database = MariaDb.NewDatabase();
            await _server.ExecuteAsync($"CREATE DATABASE {database}");
            settings.AddRange([("MYSQL_HOST", "127.0.0.1"), ("MYSQL_PORT", _server.Port.ToString(CultureInfo.InvariantCulture)),
                ("MYSQL_USER", MariaDb.User), ("MYSQL_PASSWORD", MariaDb.Password), ("MYSQL_DATABASE", database)]);
        }

        // Its end is the application's end too.
        _builder = await AppHostModel.BuilderAsync(withDashboard: true, [.. settings]);
        foreach (var project in _builder.Resources.OfType<ProjectResource>())
        {
            _builder.CreateResourceBuilder(project)
                .WithEnvironment("SQLITE_FILE", _file)
                .WithEnvironment("DRAIN_DELAY", "1");
        }

        // Aspire has all metrics sent each second, and exporters wait for 10 s: a dashboard on a machine that is busy with other tests
        // falls behind for ever, and what it has not taken by then is lost.
        foreach (var service in _builder.Resources.Where(resource => resource is ProjectResource or KiroBalancerResource).Cast<IResourceWithEnvironment>())
        {
            _builder.CreateResourceBuilder(service)
                .WithEnvironment("OTEL_METRIC_EXPORT_INTERVAL", "5000")
                .WithEnvironment("OTEL_EXPORTER_OTLP_TIMEOUT", "120000");
        }

        // Aspire's proxy takes connections before the dashboard does, and telemetry that is sent into one of these goes nowhere.
        _builder.CreateResourceBuilder(_builder.Resources.OfType<KiroBalancerResource>().Single()).OnBeforeResourceStarted(
            (_, _, end) => _application.ResourceNotifications.WaitForResourceHealthyAsync("aspire-dashboard", end));

        // What a test asks, and a health check that fails while a node is away, are no news.
        _builder.Services.AddLogging(logging => logging.AddFilter("System.Net.Http", LogLevel.Warning).AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Critical));
        _application = await _builder.BuildAsync();
        using var limit = new CancellationTokenSource(Patience);
        await _application.StartAsync(limit.Token);
        await _application.ResourceNotifications.WaitForResourceHealthyAsync("balancer", limit.Token);
        _http = _application.CreateHttpClient("balancer", "http");
        foreach (var number in Enumerable.Range(1, 5))
        {
            await _application.ResourceNotifications.WaitForResourceHealthyAsync("api-" + number, limit.Token);
        }

        await HealthyAsync(5);
    }

    /// <summary>Each client's node: the clients 203.0.113.0 … .199 ask the balancer once.</summary>
    public async Task<IReadOnlyDictionary<int, string>> AskAsync()
    {
        var nodes = new Dictionary<int, string>();
        foreach (var client in Enumerable.Range(0, 200))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/client-ip") { Headers = { { "X-Forwarded-For", $"203.0.113.{client}" } } };
            using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
            var answer = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            Assert.Equal($"203.0.113.{client}", answer.GetProperty("ip").GetString());
            nodes.Add(client, answer.GetProperty("node").GetString()!);
        }

        return nodes;
    }

    public Task<JsonElement> GetAsync(string path) => _http.GetFromJsonAsync<JsonElement>(path, TestContext.Current.CancellationToken);

    /// <summary>Sends a request as a part of a trace, and returns the trace's id.</summary>
    public async Task<string> TraceAsync(string path)
    {
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01" } } };
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return trace;
    }

    /// <summary>Waits until so many nodes can take requests.</summary>
    public Task HealthyAsync(int nodes) => Eventually.BeTrue(
        async () => (await GetAsync("/lb/status")).GetProperty("summary").GetProperty("healthy").GetInt32() == nodes, $"{nodes} nodes are healthy", 120);

    /// <summary>Waits until the balancer knows so many nodes, up or not.</summary>
    public Task BalancesOverAsync(int nodes) => Eventually.BeTrue(
        async () => (await GetAsync("/lb/status")).GetProperty("summary").GetProperty("total").GetInt32() == nodes, $"the balancer knows {nodes} nodes", 120);

    /// <summary>The dashboard, with the token that opens it.</summary>
    public Task<Uri> DashboardAsync() => _application.GetDashboardUrlAsync(TestContext.Current.CancellationToken);

    /// <summary>What the dashboard's button of that name does.</summary>
    public async Task CommandAsync(string resource, string command)
    {
        var result = await _application.Services.GetRequiredService<ResourceCommandService>()
            .ExecuteCommandAsync(resource, command, TestContext.Current.CancellationToken);
        Assert.True(result.Success, result.Message);
    }

    /// <summary>Waits until a resource has a state and its commands are on or off, as the dashboard is told.</summary>
    public Task ShowsAsync(string resource, string state, params (string Name, ResourceCommandState State)[] commands) => Eventually.BeTrue(
        () => _application.ResourceNotifications.TryGetCurrentState(resource, out var current)
            && current.Snapshot.State?.Text == state
            && commands.All(command => current.Snapshot.Commands.Single(known => known.Name == command.Name).State == command.State),
        $"{resource} is shown as {state}");

    /// <summary>Kills a node's process, as a crash does, and waits until the orchestrator has seen it.</summary>
    public async Task KillAsync(string resource)
    {
        Assert.True(_application.ResourceNotifications.TryGetCurrentState(resource, out var state));
        var id = state.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value;
        using var process = Process.GetProcessById(Convert.ToInt32(id, CultureInfo.InvariantCulture));
        // The orchestrator starts "dotnet run"; the node is its child.
        process.Kill(entireProcessTree: true);
        await _application.ResourceNotifications.WaitForResourceAsync(resource, KnownResourceStates.TerminalStates, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }

        if (_builder is not null)
        {
            await _builder.DisposeAsync();
        }

        await _server.DisposeAsync();
        File.Delete(_file);
    }
}
