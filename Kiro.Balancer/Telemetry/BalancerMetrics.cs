using System.Diagnostics.Metrics;
using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Telemetry.Traffic;

namespace Kiro.Balancer.Telemetry;

/// <summary>The balancer's own metrics. They are read when somebody scrapes; a request pays for none of them.</summary>
internal sealed class BalancerMetrics : IHostedService, IDisposable
{
    private static readonly double[] QuantilesTold = [0.5, 0.9, 0.99];

    public const string MeterName = "Kiro.Balancer";

    private readonly Meter _meter;

    public BalancerMetrics(
        IMeterFactory meters, BackendRegistry registry, ForwardingCounters counters, RetryBudget budget, ClientCensus census,
        DiscoveryStatus discovery, TrafficWatch traffic, Homes homes, TimeProvider time)
    {
        var start = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000d;
        _meter = meters.Create(MeterName);
        _meter.CreateObservableCounter("kiro.balancer.requests", () => counters.Requests, "{request}", "Requests of clients");
        _meter.CreateObservableCounter("kiro.balancer.retries", () => counters.Retries, "{request}", "Tries after a first one");
        _meter.CreateObservableCounter("kiro.balancer.retries_refused", () => budget.Refused, "{request}", "Retries that the budget did not allow");
        _meter.CreateObservableCounter("kiro.balancer.errors", () => counters.Errors, "{request}", "Requests that no node answered");
        _meter.CreateObservableUpDownCounter("kiro.balancer.backends", () => ByState(registry), "{node}", "Nodes by state");
        _meter.CreateObservableGauge("kiro.balancer.start_time", () => start, "s", "When the balancer started, in Unix time");
        _meter.CreateObservableGauge("kiro.balancer.single_client", () => Flag(census.OnlyClient is not null), null, "1 while every request so far came from one address");
        _meter.CreateObservableGauge("kiro.balancer.ignored_proxy", () => Flag(census.IgnoredProxy is not null), null, "1 while most requests come through a proxy that is not trusted");
        _meter.CreateObservableGauge("kiro.discovery.failing", () => Flag(discovery.Problem is not null), null, "1 while the last lookup of the nodes failed");
        _meter.CreateObservableCounter("kiro.backend.requests", () => Counted(registry, counters => counters.Requests), "{request}", "Requests given to a node, each try counted");
        _meter.CreateObservableCounter("kiro.backend.failures", () => Counted(registry, counters => counters.Failures), "{request}", "Requests that got no response from the node");
        _meter.CreateObservableCounter("kiro.backend.overflows", () => Counted(registry, counters => counters.Overflows), "{request}", "Requests that went elsewhere because the node had its share");
        _meter.CreateObservableUpDownCounter("kiro.backend.in_flight", () => Counted(registry, counters => counters.InFlight), "{request}", "Requests under way at a node");
        _meter.CreateObservableGauge("kiro.backend.up", () => Each(registry, backend => Flag(backend.State == BackendState.Up)), null, "1 while a node is up");
        _meter.CreateObservableGauge("kiro.backend.draining", () => Each(registry, backend => Flag(Drains(backend.Health))), null, "1 while a node drains, or is down and an operator has drained it");
        _meter.CreateObservableGauge("kiro.backend.ejected", () => Each(registry, backend => Flag(backend.Health.EjectedUntil is not null)), null, "1 while a node is out because it lost requests");
        _meter.CreateObservableGauge("kiro.backend.share", () => Shares(registry), null, "A node's share of all clients, 0 to 1");
        _meter.CreateObservableGauge("kiro.backend.clients", () => Clients(registry, homes, clients => clients.Recent), "{client}", "Recent clients that a node serves");
        _meter.CreateObservableGauge("kiro.backend.sessions", () => Clients(registry, homes, clients => clients.Sessions), "{client}", "Clients that have a session with a node, where sessions stay");
        _meter.CreateObservableGauge("kiro.backend.sessions_kept", () => Clients(registry, homes, clients => clients.Kept), "{client}", "Of those, the ones that only their session keeps there");
        _meter.CreateObservableCounter("kiro.balancer.responses", () => ByClass(traffic.All.Total, null), "{response}", "Responses to clients by class, the balancer's own among them");
        _meter.CreateObservableCounter("kiro.backend.responses", () => registry.Current.Backends.SelectMany(backend => ByClass(TrafficOf(registry, backend).Sum(), backend)), "{response}", "Responses of a node by class");
        _meter.CreateObservableGauge("kiro.backend.response.time", () => registry.Current.Backends.SelectMany(backend => Quantiles(traffic.Of(backend.Backend).Last10Seconds, backend)), "s", "Until a node's response began, over the last ten seconds");
        _meter.CreateObservableCounter("kiro.backend.sent", () => Each(registry, backend => TrafficOf(registry, backend).Sum().Sent), "By", "Bytes sent to a node");
        _meter.CreateObservableCounter("kiro.backend.received", () => Each(registry, backend => TrafficOf(registry, backend).Sum().Received), "By", "Bytes received from a node");
        _meter.CreateObservableCounter("kiro.backend.retries", () => Each(registry, backend => TrafficOf(registry, backend).Retries), "{request}", "Requests that a node failed and that went on to another one");
        _meter.CreateObservableCounter("kiro.backend.connects", () => Each(registry, backend => TrafficOf(registry, backend).Connects), "{connection}", "Connections opened to a node for requests");
        _meter.CreateObservableGauge("kiro.backend.probe.duration", () => ProbeDurations(registry), "s", "Duration of a node's last answered probe");
    }

    // Hosted only so that it is made at the start.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> ByState(BackendRegistry registry) =>
        Enum.GetValues<BackendState>().Select(state => new Measurement<long>(
            registry.Current.Backends.Count(backend => backend.State == state),
            new KeyValuePair<string, object?>("state", state.Word())));

    private static BackendTraffic TrafficOf(BackendRegistry registry, KnownBackend backend) => registry.Runtimes.Of(backend.Backend).Traffic;

    private static IEnumerable<Measurement<long>> ByClass(TrafficCounts counts, KnownBackend? backend) =>
        Enumerable.Range(1, 5).Select(number => backend is null
            ? new Measurement<long>(counts.OfClass(number), Class(number))
            : new Measurement<long>(counts.OfClass(number), Tag(backend), Class(number)));

    private static IEnumerable<Measurement<double>> Quantiles(TrafficCounts counts, KnownBackend backend) =>
        from quantile in QuantilesTold
        // Prometheus's word for a quantile of nothing.
        select new Measurement<double>(counts.Quantile(quantile)?.TotalSeconds ?? double.NaN, Tag(backend), new("quantile", quantile.ToString(CultureInfo.InvariantCulture)));

    private static IEnumerable<Measurement<long>> Each(BackendRegistry registry, Func<KnownBackend, long> value) =>
        registry.Current.Backends.Select(backend => new Measurement<long>(value(backend), Tag(backend)));

    private static IEnumerable<Measurement<long>> Counted(BackendRegistry registry, Func<BackendCounters, long> value) =>
        Each(registry, known => value(registry.Runtimes.Of(known.Backend).Counters));

    private static IEnumerable<Measurement<double>> ProbeDurations(BackendRegistry registry) =>
        from backend in registry.Current.Backends
        let latency = backend.Health.Latency
        where latency is not null
        select new Measurement<double>(latency.Value.TotalSeconds, Tag(backend));

    private static IEnumerable<Measurement<double>> Shares(BackendRegistry registry)
    {
        var snapshot = registry.Current;
        return snapshot.Backends.Zip(snapshot.Selector.Shares, (backend, share) => new Measurement<double>(share, Tag(backend)));
    }

    private static IEnumerable<Measurement<long>> Clients(BackendRegistry registry, Homes homes, Func<NodeClients, long?> value)
    {
        var snapshot = registry.Current;
        return snapshot.Backends.Zip(homes.Of(snapshot), (backend, clients) => (backend, Value: value(clients)))
            .Where(item => item.Value is not null).Select(item => new Measurement<long>(item.Value!.Value, Tag(item.backend)));
    }

    // A node that asked for it itself and then fell may have been stopped by mistake.
    private static bool Drains(BackendHealth health) =>
        health.State == BackendState.Draining || health.IsDrainedByOperator;

    private static long Flag(bool value) => value ? 1 : 0;

    private static KeyValuePair<string, object?> Class(int number) => new("class", number.ToString(CultureInfo.InvariantCulture) + "xx");

    private static KeyValuePair<string, object?> Tag(KnownBackend backend) => new("backend", backend.Id);
}
