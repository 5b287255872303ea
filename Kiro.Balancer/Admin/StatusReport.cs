using System.Globalization;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>Puts the status together from the parts that know.</summary>
internal sealed class StatusReport(
    ListenPort listen,
    Drain drain,
    DiscoveryOptions discovery,
    AdminToken admin,
    CallerRoute caller,
    BackendRegistry registry,
    NodeHistories histories,
    Homes homes,
    EventRing events,
    ForwardingCounters counters,
    RequestRate rate,
    Warnings warnings,
    TimeProvider time)
{
    /// <summary>As many events as a page shows.</summary>
    private const int MostEvents = 30;

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public StatusModel For(HttpContext context)
    {
        var snapshot = registry.Current;
        var shares = snapshot.Shares;
        var clients = homes.Of(snapshot);
        var backends = snapshot.Backends.Select((backend, place) => Describe(backend, shares[place], clients[place])).ToList();
        var now = time.GetUtcNow();
        return new StatusModel(
            new BalancerStatus(
                listen.Port, ModeNames.Of(discovery.Mode), ServiceDefaultsExtensions.Version,
                drain.IsDraining ? "draining" : "running", _startedAt, Math.Round((now - _startedAt).TotalSeconds, 1),
                admin.IsSet),
            new SummaryStatus(
                backends.Count,
                backends.Count(backend => backend.Healthy),
                backends.Count(backend => backend.State is "down" or "starting"),
                backends.Count(backend => backend.State == "draining"),
                counters.Requests, Math.Round(rate.PerSecond, 1), counters.Retries,
                counters.Errors, homes.AllClients),
            backends,
            caller.Of(context, snapshot),
            warnings.Of(snapshot, caller.AddressOf(context), admin.Judge(context.Request.Headers.Authorization) == AdminVerdict.Right),
            events.Newest(MostEvents),
            now);
    }

    private BackendStatus Describe(Backend backend, double share, long clients)
    {
        var health = backend.Health;
        var (rate, latencies) = histories.Of(backend);
        return new BackendStatus(
            backend.Id, backend.Endpoint.Host, backend.Endpoint.Port, health.Node,
            StateNames.Of(health.State), health.State == BackendState.Up, health.Reachable,
            health.Latency is { } latency ? $"{latency.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)}ms" : null,
            health.Latency is { } exact ? Math.Round(exact.TotalMilliseconds, 1) : null,
            health.Reason, health.LastCheck, health.Since, backend.Endpoint.Weight, Math.Round(share, 4),
            backend.Counters.InFlight, backend.Counters.Requests, backend.Counters.Failures,
            Math.Round(rate, 1), clients, backend.OperatorWeight, health.DrainReasons.HasFlag(DrainReasons.Operator), health.HasBeenUp,
            latencies);
    }
}
