using System.Text.Json;
using Kiro.Api.Database;
using Kiro.Cluster.Nodes;
using Kiro.ServiceDefaults.Health;

namespace Kiro.Cluster.Health;

/// <summary>Probes the health of nodes.</summary>
/// <param name="instances">The number of healthy backends that the balancer should see.</param>
internal sealed class HealthProbe(int instances) : IDisposable
{
    private readonly HttpClient _http = Client(withProxyHeader: false);
    private readonly HttpClient _introduced = Client(withProxyHeader: true);

    public async Task<NodeHealth> AskAsync(Node node, CancellationToken cancellationToken)
    {
        try
        {
            // Not "localhost", which may try IPv6 first and wait.
            using var response = await (node.WithProxyHeader ? _introduced : _http).GetAsync(new Uri($"http://127.0.0.1:{node.Port}/health"), cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                return new NodeHealth(false, $"responded with {(int)response.StatusCode}");
            }

            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            return node.IsBalancer ? new NodeHealth(true, Missing(body)) : OfInstance(body);
        }
        catch (HttpRequestException)
        {
            return new NodeHealth(false, "does not respond");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new NodeHealth(false, "does not respond in time");
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _introduced.Dispose();
    }

    private static HttpClient Client(bool withProxyHeader) => new(LocalConnections.Handler(withProxyHeader)) { Timeout = TimeSpan.FromSeconds(3) };

    private static NodeHealth OfInstance(string body)
    {
        var degraded = DegradedBecause(body);
        // The first result is pending.
        return degraded == DatabaseState.NotTried ? new NodeHealth(true, "has not reached its database yet") : new NodeHealth(true, null, degraded);
    }

    private static string? DegradedBecause(string body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var health = json.RootElement;
            return health.GetProperty("status").GetString() is "degraded"
                ? health.TryGetProperty("reason", out var reason) ? reason.GetString() ?? "" : ""
                : null;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private string? Missing(string body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            var healthy = json.RootElement.GetProperty("healthy_backends").GetInt32();
            return healthy == instances ? null : $"sees {healthy} of {instances} instances";
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return "does not respond like the balancer";
        }
    }
}

/// <summary>A node's response to <c>GET /health</c>.</summary>
/// <param name="Serves">Whether it responded with 2xx.</param>
/// <param name="Problem">Why it is not ready, to follow its name; null if it is.</param>
/// <param name="Degraded">Why it is degraded, for example without its database; null if it is not.</param>
internal sealed record NodeHealth(bool Serves, string? Problem, string? Degraded = null);

/// <summary>Waits until a started node is ready.</summary>
/// <param name="ask">The probe.</param>
/// <param name="time">The clock.</param>
internal sealed class StartWatch(Func<Node, CancellationToken, Task<NodeHealth>> ask, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Probes until the node is ready. <paramref name="responded"/> gets every result.</summary>
    public async Task UntilHealthyAsync(Node node, Action<NodeHealth> responded, CancellationToken cancellationToken)
    {
        while (true)
        {
            var health = await ask(node, cancellationToken);
            responded(health);
            if (health.Problem is null)
            {
                return;
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }
}
