using System.Text.Json;
using Kiro.Cluster.Nodes;

namespace Kiro.Cluster.Health;

/// <summary>Asks a node how it is.</summary>
/// <param name="instances">How many healthy backends the balancer should see.</param>
internal sealed class HealthProbe(int instances) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(3) };

    public async Task<NodeHealth> AskAsync(Node node, CancellationToken cancellationToken)
    {
        try
        {
            // Not "localhost": that may try IPv6 first and wait.
            using var answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{node.Port}/health"), cancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                return new NodeHealth(false, $"answers {(int)answer.StatusCode}");
            }

            return new NodeHealth(true, node.IsBalancer ? Missing(await answer.Content.ReadAsStringAsync(cancellationToken)) : null);
        }
        catch (HttpRequestException)
        {
            return new NodeHealth(false, "does not answer");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new NodeHealth(false, "does not answer in time");
        }
    }

    public void Dispose() => _http.Dispose();

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
            return "gives an answer that is not the balancer's";
        }
    }
}
