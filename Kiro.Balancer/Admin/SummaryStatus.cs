namespace Kiro.Balancer.Admin;

/// <summary>All nodes together.</summary>
/// <param name="Total">Nodes that are known.</param>
/// <param name="Healthy">Those that are up.</param>
/// <param name="Unhealthy">Those that are down or starting.</param>
/// <param name="Draining">Those that are draining.</param>
/// <param name="Requests">Requests of clients since the start.</param>
/// <param name="RequestsPerSecond">Over the last ten seconds.</param>
/// <param name="Retries">Tries after a first one.</param>
/// <param name="Errors">Requests that the balancer had to answer with an error of its own.</param>
/// <param name="RecentClients">Clients with a request in the last five to ten minutes.</param>
internal sealed record SummaryStatus(
    int Total, int Healthy, int Unhealthy, int Draining, long Requests, double RequestsPerSecond, long Retries, long Errors, long RecentClients);
