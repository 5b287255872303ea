using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Shop.Tests;

/// <summary>The application under Aspire's orchestrator, with the balancer from the package.</summary>
public sealed class RunningShop : IAsyncLifetime
{
    private IDistributedApplicationTestingBuilder _builder = null!;
    private DistributedApplication _application = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Shop_AppHost>();
        _builder.Services.AddLogging(logging => logging.AddFilter("System.Net.Http", LogLevel.Warning).AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.Critical));
        // Four lines for each of thousands of requests, through the orchestrator into the test's output, take longer than the requests.
        foreach (var name in (string[])["shop", "spare"])
        {
            _builder.CreateResourceBuilder<ProjectResource>(name).WithEnvironment("Logging__LogLevel__Microsoft.AspNetCore", "Warning");
        }

        // Without a dashboard nobody listens for telemetry, and the exporter would make the stop slow.
        _builder.CreateResourceBuilder<KiroBalancerResource>("lb").WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", "");
        _application = await _builder.BuildAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await _application.StartAsync(limit.Token);
        await _application.ResourceNotifications.WaitForResourceHealthyAsync("lb", limit.Token);
        _http = _application.CreateHttpClient("lb", "http");
        await UntilAsync(async () => (await AskAsync()).Values.Distinct().Count() == 3, "three replicas serve");
    }

    /// <summary>Which replica, by its process, serves each of the clients 203.0.113.0 … .199.</summary>
    public async Task<IReadOnlyDictionary<string, int>> AskAsync()
    {
        var replicas = new Dictionary<string, int>();
        for (var number = 0; number < 200; number++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Forwarded-For", $"203.0.113.{number}" } } };
            using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
            var answer = (await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Answer>(TestContext.Current.CancellationToken))!;
            replicas.Add(answer.Client, answer.Replica);
        }

        return replicas;
    }

    /// <summary>What the dashboard's button of that name does.</summary>
    /// <param name="resource">A resource, or the id of one of its replicas.</param>
    /// <param name="command">The command's name.</param>
    public async Task CommandAsync(string resource, string command)
    {
        var result = await _application.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(resource, command, TestContext.Current.CancellationToken);
        Assert.True(result.Success, result.Message);
    }

    /// <summary>Waits until a replica of the shop has ended, and says its id.</summary>
    public async Task<string> EndedAsync()
    {
        var id = "";
        await foreach (var change in _application.ResourceNotifications.WatchAsync(TestContext.Current.CancellationToken))
        {
            if (change.Resource.Name == "shop" && KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text))
            {
                id = change.ResourceId;
                break;
            }
        }

        return id;
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var tries = 0; tries < 300; tries++)
        {
            if (await condition())
            {
                return;
            }

            await Task.Delay(200, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Not within a minute: {what}.");
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
    }

    private sealed record Answer(string Client, int Replica, int Items);
}
