using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Kiro.AppHost.Tests.Support;
using Kiro.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.AppHost.Tests.Running;

/// <summary>The whole application under Aspire's orchestrator with the dashboard, on free ports, with MariaDB if installed.</summary>
[CollectionDefinition(nameof(RunningApplication))]
public sealed class RunningApplication : IAsyncLifetime, ICollectionFixture<RunningApplication>
{
    // Startup takes a minute on an idle machine; only a failing run waits longer.
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(10);

    private readonly MariaDb _server = new();
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"kiro-{Guid.NewGuid():N}.db");
    private IDistributedApplicationTestingBuilder _builder = null!;
    private DistributedApplication _application = null!;
    private HttpClient _http = null!;

    /// <summary>Whether MariaDB is installed; otherwise the nodes share an SQLite file.</summary>
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

        // Disposing the builder also disposes the application.
        _builder = await AppHostModel.BuilderAsync(withDashboard: true, [.. settings]);
        foreach (var project in _builder.Resources.OfType<ProjectResource>())
        {
            _builder.CreateResourceBuilder(project)
                .WithEnvironment("SQLITE_FILE", _file)
                .WithEnvironment("DRAIN_DELAY", "1");
        }

        // Aspire exports metrics every second with a timeout of 10 s: on a machine that is busy with other tests, the dashboard
        // would fall behind for good, and exports that time out are lost.
        foreach (var service in _builder.Resources.Where(resource => resource is ProjectResource or KiroBalancerResource).Cast<IResourceWithEnvironment>())
        {
            _builder.CreateResourceBuilder(service)
                .WithEnvironment("OTEL_METRIC_EXPORT_INTERVAL", "5000")
                .WithEnvironment("OTEL_EXPORTER_OTLP_TIMEOUT", "120000");
        }

        // Aspire's proxy accepts connections before the dashboard is ready, and telemetry sent on them is lost.
        _builder.CreateResourceBuilder(_builder.Resources.OfType<KiroBalancerResource>().Single()).OnBeforeResourceStarted(
            (_, _, end) => _application.ResourceNotifications.WaitForResourceHealthyAsync("aspire-dashboard", end));

        // Requests of the tests and failing health checks of stopped nodes would flood the log.
        _builder.Services.AddLogging(logging => logging.AddFilter("System.Net.Http", LogLevel.Warning).AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Critical));
        _application = await _builder.BuildAsync();
        using var limit = new CancellationTokenSource(StartTimeout);
        await _application.StartAsync(limit.Token);
        await _application.ResourceNotifications.WaitForResourceHealthyAsync("balancer", limit.Token);
        _http = _application.CreateHttpClient("balancer", "http");
        foreach (var number in Enumerable.Range(1, 5))
        {
            await _application.ResourceNotifications.WaitForResourceHealthyAsync("api-" + number, limit.Token);
        }

        await HealthyAsync(5);
    }

    /// <summary>Sends a request from each of the clients 203.0.113.0 to .199 and returns their nodes.</summary>
    public async Task<IReadOnlyDictionary<int, string>> NodesAsync()
    {
        var nodes = new Dictionary<int, string>();
        foreach (var client in Enumerable.Range(0, 200))
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/client-ip") { Headers = { { "X-Forwarded-For", $"203.0.113.{client}" } } };
            using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
            var route = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            Assert.Equal($"203.0.113.{client}", route.GetProperty("ip").GetString());
            nodes.Add(client, route.GetProperty("node").GetString()!);
        }

        return nodes;
    }

    public Task<JsonElement> GetAsync(string path) => _http.GetFromJsonAsync<JsonElement>(path, TestContext.Current.CancellationToken);

    /// <summary>Sends a request with a traceparent and returns its trace ID.</summary>
    public async Task<string> TraceAsync(string path)
    {
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01" } } };
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return trace;
    }

    /// <summary>Waits until this many nodes are healthy.</summary>
    public Task HealthyAsync(int nodes) => Eventually.BeTrue(
        async () => (await GetAsync("/lb/status")).GetProperty("summary").GetProperty("healthy").GetInt32() == nodes, $"{nodes} nodes are healthy", 120);

    /// <summary>Waits until the balancer knows this many nodes, up or not.</summary>
    public Task BalancesOverAsync(int nodes) => Eventually.BeTrue(
        async () => (await GetAsync("/lb/status")).GetProperty("summary").GetProperty("total").GetInt32() == nodes, $"the balancer knows {nodes} nodes", 120);

    /// <summary>The login URL of the dashboard.</summary>
    public Task<Uri> DashboardAsync() => _application.GetDashboardUrlAsync(TestContext.Current.CancellationToken);

    /// <summary>Executes a command of a resource, as its button in the dashboard does.</summary>
    public async Task CommandAsync(string resource, string command)
    {
        var result = await _application.Services.GetRequiredService<ResourceCommandService>()
            .ExecuteCommandAsync(resource, command, TestContext.Current.CancellationToken);
        Assert.True(result.Success, result.Message);
    }

    /// <summary>Waits until the dashboard is notified of this state of a resource and of its commands.</summary>
    public Task ShowsAsync(string resource, string state, params (string Name, ResourceCommandState State)[] commands) => Eventually.BeTrue(
        () => _application.ResourceNotifications.TryGetCurrentState(resource, out var current)
            && current.Snapshot.State?.Text == state
            && commands.All(command => current.Snapshot.Commands.Single(known => known.Name == command.Name).State == command.State),
        $"{resource} is shown as {state}");

    /// <summary>Kills the process of a node and waits until the orchestrator has noticed.</summary>
    public async Task KillAsync(string resource)
    {
        Assert.True(_application.ResourceNotifications.TryGetCurrentState(resource, out var state));
        var id = state.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value;
        using var process = Process.GetProcessById(Convert.ToInt32(id, CultureInfo.InvariantCulture));
        // The orchestrator starts "dotnet run", whose child is the node.
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
