using Kiro.Cluster.View;

namespace Kiro.Cluster.Status;

/// <summary>The view of a balancer's status.</summary>
internal static class StatusView
{
    /// <param name="status">The balancer's response.</param>
    /// <param name="where">The second line, with the address.</param>
    /// <param name="rates">For balancers that do not report the rates of their nodes.</param>
    public static ClusterView Of(StatusDocument status, string where, RequestRates rates) => new(
        [string.Join(" · ", Summary(status)), where],
        [.. (status.Backends ?? []).OfType<BackendPart>().Select(backend => Node(backend, rates)).OrderBy(node => node.Host, StringComparer.Ordinal).ThenBy(node => node.Port)],
        [.. (status.Warnings ?? []).OfType<string>()]);

    /// <summary>The caller's address and node.</summary>
    public static string? Route(StatusDocument status) => status.Client is { Ip: { } ip } client
        ? $"you: {ip} -> {client.Target}"
        : null;

    private static IEnumerable<string> Summary(StatusDocument status)
    {
        var (balancer, summary) = (status.Balancer!, status.Summary!);
        yield return $"Kiro {balancer.Version}";
        if (balancer.State is { } state and not "running")
        {
            yield return state;
        }

        yield return $"{summary.Healthy} of {summary.Total} up";
        foreach (var (word, count) in status.UnwellNodes.CountBy(node => node.Unwell!))
        {
            yield return $"{count} {word}";
        }

        if (summary.Draining > 0)
        {
            yield return $"{summary.Draining} draining";
        }

        yield return $"{Figures.Rate(summary.RequestsPerSecond)} req/s";
        yield return summary.Retries == 1 ? "1 retry" : $"{summary.Retries} retries";
        yield return $"running {Figures.Span(balancer.UptimeSeconds)}";
    }

    private static NodeView Node(BackendPart backend, RequestRates rates) => new()
    {
        Name = backend.Node ?? backend.Id ?? "?",
        Host = backend.Host ?? "?",
        Port = backend.Port,
        State = backend.Unwell ?? backend.State ?? "?",
        Reason = backend is { LetsSessionsEnd: true, State: "draining" } ? $"{backend.Error}: {Figures.Count(backend.Sessions)} left" : backend.Error ?? backend.Reason,
        // The last latency of a down node is meaningless.
        LatencyMs = backend.State == "down" ? null : backend.LatencyMs,
        Share = backend.Share,
        RequestsPerSecond = backend.State == "down" ? null : backend.RequestsPerSecond ?? rates.Of(backend.Id),
        InFlight = backend.InFlight,
        Sessions = backend.Sessions,
    };
}

/// <summary>Requests per second of each node, from the counters in the last status responses.</summary>
internal sealed class RequestRates
{
    private const int Samples = 5;

    private readonly Queue<StatusDocument> _samples = new();

    /// <summary>Adds a response.</summary>
    public void Note(StatusDocument document)
    {
        // Decreasing counters mean that the balancer was restarted.
        if (_samples.TryPeek(out var oldest) && (document.Backends ?? []).Any(backend => backend?.Requests < Requests(oldest, backend?.Id)))
        {
            _samples.Clear();
        }

        _samples.Enqueue(document);
        if (_samples.Count > Samples)
        {
            _samples.Dequeue();
        }
    }

    /// <summary>The rate of a node; null until two responses include it.</summary>
    public double? Of(string? id)
    {
        if (_samples.Count < 2)
        {
            return null;
        }

        var (first, last) = (_samples.Peek(), _samples.Last());
        var seconds = (last.Timestamp - first.Timestamp).TotalSeconds;
        return seconds > 0 ? (Requests(last, id) - Requests(first, id)) / seconds : null;
    }

    private static long? Requests(StatusDocument document, string? id) =>
        document.Backends?.FirstOrDefault(backend => backend?.Id == id)?.Requests;
}
