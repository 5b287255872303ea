using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Hashing;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Status;

/// <summary>Puts the status together from the parts that know.</summary>
internal sealed class StatusReport(
    ListenPort listen,
    Drain drain,
    DiscoveryOptions discovery,
    ClientResolver clients,
    ClientHash hash,
    BackendRegistry registry,
    ForwardingCounters counters,
    RequestRate rate,
    Warnings warnings,
    TimeProvider time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public StatusModel For(HttpContext context)
    {
        var snapshot = registry.Current;
        var shares = snapshot.Shares;
        var backends = snapshot.Backends.Select((backend, place) => Describe(backend, shares[place])).ToList();
        var now = time.GetUtcNow();
        return new StatusModel(
            new BalancerStatus(
                listen.Port, StateNames.Of(discovery.Mode), ServiceDefaultsExtensions.Version,
                drain.IsDraining ? "draining" : "running", _startedAt, Math.Round((now - _startedAt).TotalSeconds, 1)),
            new SummaryStatus(
                backends.Count,
                backends.Count(backend => backend.Healthy),
                backends.Count(backend => backend.State is "down" or "starting"),
                backends.Count(backend => backend.State == "draining"),
                counters.Requests, Math.Round(rate.PerSecond, 1), counters.Retries),
            backends,
            RouteOf(context, snapshot),
            warnings.Of(snapshot),
            now);
    }

    private static BackendStatus Describe(Backend backend, double share)
    {
        var health = backend.Health;
        return new BackendStatus(
            backend.Id, backend.Endpoint.Host, backend.Endpoint.Port, health.Node,
            StateNames.Of(health.State), health.State == BackendState.Up, health.Reachable,
            health.Latency is { } latency ? $"{latency.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)}ms" : null,
            health.Latency is { } exact ? Math.Round(exact.TotalMilliseconds, 1) : null,
            health.Reason, health.LastCheck, health.Since, backend.Endpoint.Weight, Math.Round(share, 4),
            backend.Counters.InFlight, backend.Counters.Requests, backend.Counters.Failures);
    }

    private ClientStatus RouteOf(HttpContext context, BackendSnapshot snapshot)
    {
        var client = clients.Resolve(context.Connection.RemoteIpAddress, context.Request.Headers["X-Forwarded-For"]);
        var backend = snapshot.Choose(hash.Slot(client.Address));
        return new ClientStatus(client.Address.ToString(), backend?.Id, backend?.Health.Node);
    }
}
