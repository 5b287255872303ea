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
