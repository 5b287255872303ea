using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Telemetry;

/// <summary>Runs a process: within one, OpenTelemetry observes the meters of every balancer in it.</summary>
public class BalancerMetricsTests
{
    [Fact]
    public async Task Metrics_HostOfAClient_IsNoLabel()
    {
        // Only YARP has labels that a client could fill; probes do not use HttpClient.
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await StartAsync(node.Host, "FORWARDER=yarp");

        await RawClient.ExchangeAsync(balancer.Port, "GET /a HTTP/1.1\r\nHost: made-up.example\r\nConnection: close\r\n\r\n");

        var metrics = await Metrics(balancer);
        Assert.Equal(1, Value(metrics, "kiro_balancer_requests_total{}"));
        Assert.DoesNotContain("made-up", metrics, StringComparison.Ordinal);
        // The buckets are still the default ones for seconds.
        Assert.Contains("http_client_request_duration_seconds_bucket", metrics, StringComparison.Ordinal);
        Assert.Contains("le=\"0.005\"", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_NodeDrainedByAnOperator_TellIt()
    {
        await using var first = await TestBackend.StartAsync("node-1");
        await using var second = await TestBackend.StartAsync("node-2");
        await using var balancer = await StartAsync($"{first.Host},{second.Host}", "ADMIN_TOKEN=token");

        using var drain = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{first.Host}/drain");
        drain.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "token");
        (await balancer.Http.SendAsync(drain, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        var metrics = await Metrics(balancer);
        Assert.Equal((0, 1), (Value(metrics, $"kiro_backend_up{{backend=\"{first.Host}\"}}"), Value(metrics, $"kiro_backend_draining{{backend=\"{first.Host}\"}}")));
        Assert.Equal((1, 0), (Value(metrics, $"kiro_backend_up{{backend=\"{second.Host}\"}}"), Value(metrics, $"kiro_backend_draining{{backend=\"{second.Host}\"}}")));
        Assert.Equal((0, 1), (Value(metrics, $"kiro_backend_share{{backend=\"{first.Host}\"}}"), Value(metrics, $"kiro_backend_share{{backend=\"{second.Host}\"}}")));
        Assert.InRange(Value(metrics, "kiro_balancer_start_time_seconds{}"), DateTimeOffset.UtcNow.AddMinutes(-5).ToUnixTimeSeconds(), DateTimeOffset.UtcNow.AddSeconds(1).ToUnixTimeSeconds());
    }

    [Fact]
    public async Task Metrics_NodeDrainedByAnOperatorAndThenStopped_StillTellIt()
    {
        var first = await TestBackend.StartAsync("node-1");
        var second = await TestBackend.StartAsync("node-2");
        await using var balancer = await StartAsync($"{first.Host},{second.Host}", "ADMIN_TOKEN=token");
        using var drain = new HttpRequestMessage(HttpMethod.Post, $"/lb/backends/{first.Host}/drain");
        drain.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "token");
        (await balancer.Http.SendAsync(drain, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        await Task.WhenAll(first.DisposeAsync().AsTask(), second.DisposeAsync().AsTask());

        var metrics = "";
        await Eventually.BeTrue(async () => Value(metrics = await Metrics(balancer), "kiro_balancer_backends{state=\"down\"}") == 2, "both are down", seconds: 90);
        Assert.Equal(1, Value(metrics, $"kiro_backend_draining{{backend=\"{first.Host}\"}}"));
        Assert.Equal(0, Value(metrics, $"kiro_backend_draining{{backend=\"{second.Host}\"}}"));
    }

    [Fact]
    public async Task Metrics_ManyRequestsOfOneClient_TellThatThereIsOnlyOne()
    {
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await StartAsync(node.Host);
        Assert.Equal(0, Value(await Metrics(balancer), "kiro_balancer_single_client{}"));

        for (var number = 0; number < 100; number++)
        {
            await balancer.Http.GetAsync("/a", TestContext.Current.CancellationToken);
        }

        // A scrape is cached for a moment.
        await Eventually.BeTrue(async () => Value(await Metrics(balancer), "kiro_balancer_single_client{}") == 1, "the metric tells it");
    }

    private static async Task<BalancerProcess> StartAsync(string hosts, params string[] settings)
    {
        var balancer = await BalancerProcess.StartAsync(hosts, settings);
        var healthy = $":{hosts.Split(',').Length}}}";
        await Eventually.BeTrue(async () => (await balancer.Http.GetStringAsync("/health", TestContext.Current.CancellationToken)).Contains(healthy, StringComparison.Ordinal), "all are up");
        return balancer;
    }

    private static Task<string> Metrics(BalancerProcess balancer) => balancer.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken);

    /// <summary>The value of a series, by its labels without the common ones.</summary>
    private static double Value(string metrics, string series)
    {
        var name = series[..series.IndexOf('{', StringComparison.Ordinal)];
        var label = series[(name.Length + 1)..^1];
        var line = Assert.Single(metrics.Split('\n'), line => Regex.IsMatch(line, $@"^{name}\{{otel_scope_name=""Kiro\.Balancer""{(label.Length > 0 ? "," : "")}{Regex.Escape(label)}\}} "));
        return double.Parse(line.Split("} ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }
}
