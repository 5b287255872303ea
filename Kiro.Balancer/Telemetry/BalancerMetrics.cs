using System.Diagnostics.Metrics;
using System.Globalization;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Retry;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Listening.Tls;
using Kiro.Balancer.Peers;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults.Trust;
using OpenTelemetry.Metrics;

namespace Kiro.Balancer.Telemetry;

/// <summary>Metrics of the balancer. All are observed when they are scraped and cost a request nothing.</summary>
internal sealed class BalancerMetrics : StartedMetrics
{
    private static readonly double[] ExportedQuantiles = [0.5, 0.9, 0.99];

    public const string MeterName = "Kiro.Balancer";

    public BalancerMetrics(
        IMeterFactory meters, BackendRegistry registry, ForwardingCounters counters, RetryBudget budget, ClientCensus census,
        DiscoveryStatus discovery, TrafficWatch traffic, ClientDistribution distribution, TimeProvider time)
    {
        var start = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000d;
        // Owned by the factory.
        var meter = meters.Create(MeterName);
        meter.CreateObservableCounter("kiro.balancer.requests", () => counters.Requests, "{request}", "Client requests");
        meter.CreateObservableCounter("kiro.balancer.retries", () => counters.Retries, "{request}", "Retries on another node");
        meter.CreateObservableCounter("kiro.balancer.retries_refused", () => budget.Refused, "{request}", "Retries that the budget did not allow");
        meter.CreateObservableCounter("kiro.balancer.errors", () => counters.Errors, "{request}", "Requests answered with an error of the balancer itself");
        meter.CreateObservableUpDownCounter("kiro.balancer.backends", () => ByState(registry), "{node}", "Nodes by state");
        meter.CreateObservableGauge("kiro.balancer.start_time", () => start, "s", "When the balancer started, in Unix time");
        meter.CreateObservableGauge("kiro.balancer.single_client", () => Flag(census.OnlyClient is not null), null, "1 while every request so far came from one address");
        meter.CreateObservableGauge("kiro.balancer.ignored_proxy", () => Flag(census.IgnoredProxy is not null), null, "1 while most requests come through a proxy that is not trusted");
        meter.CreateObservableGauge("kiro.discovery.failing", () => Flag(discovery.Problem is not null), null, "1 while the last lookup of the nodes failed");
        meter.CreateObservableCounter("kiro.backend.requests", () => Counted(registry, counters => counters.Requests), "{request}", "Requests sent to a node, retries included");
        meter.CreateObservableCounter("kiro.backend.failures", () => Counted(registry, counters => counters.Failures), "{request}", "Requests that a node did not answer");
        meter.CreateObservableCounter("kiro.backend.overflows", () => Counted(registry, counters => counters.Overflows), "{request}", "Requests sent to another node because this one was at its bounded-load limit");
        meter.CreateObservableUpDownCounter("kiro.backend.in_flight", () => Counted(registry, counters => counters.InFlight), "{request}", "Requests in flight at a node");
        meter.CreateObservableGauge("kiro.backend.up", () => Each(registry, backend => Flag(backend.State == BackendState.Up)), null, "1 while a node is up");
        meter.CreateObservableGauge("kiro.backend.draining", () => Each(registry, backend => Flag(Drains(backend.Health))), null, "1 while a node drains, or is down and an operator has drained it");
        meter.CreateObservableGauge("kiro.backend.ejected", () => Each(registry, backend => Flag(backend.Health.EjectedUntil is not null)), null, "1 while a node is ejected");
        meter.CreateObservableGauge("kiro.backend.share", () => Shares(registry), null, "A node's share of all clients, 0 to 1");
        meter.CreateObservableGauge("kiro.backend.clients", () => Clients(registry, distribution, clients => clients.Recent), "{client}", "Recent clients of a node");
        meter.CreateObservableGauge("kiro.backend.sessions", () => Clients(registry, distribution, clients => clients.Sessions), "{client}", "Clients with a session on a node");
        meter.CreateObservableGauge("kiro.backend.sessions_kept", () => Clients(registry, distribution, clients => clients.Kept), "{client}", "Clients that would be on another node without their session");
        meter.CreateObservableCounter("kiro.balancer.responses", () => ByClass(traffic.All.Total, null), "{response}", "Responses to clients by status class, including the balancer's own");
        meter.CreateObservableCounter("kiro.backend.responses", () => registry.Current.Backends.SelectMany(backend => ByClass(TrafficOf(registry, backend).Sum(), backend)), "{response}", "Responses of a node by status class");
        meter.CreateObservableGauge("kiro.backend.response.time", () => registry.Current.Backends.SelectMany(backend => Quantiles(traffic.Of(backend.Backend).Last10Seconds, backend)), "s", "Time to the response of a node, over the last ten seconds");
        meter.CreateObservableCounter("kiro.backend.sent", () => Each(registry, backend => TrafficOf(registry, backend).Sum().Sent), "By", "Bytes sent to a node");
        meter.CreateObservableCounter("kiro.backend.received", () => Each(registry, backend => TrafficOf(registry, backend).Sum().Received), "By", "Bytes received from a node");
        meter.CreateObservableCounter("kiro.backend.retries", () => Each(registry, backend => TrafficOf(registry, backend).Retries), "{request}", "Requests that failed on a node and were retried on another");
        meter.CreateObservableCounter("kiro.backend.connects", () => Each(registry, backend => TrafficOf(registry, backend).Connects), "{connection}", "Connections opened to a node for requests");
        meter.CreateObservableGauge("kiro.backend.probe.duration", () => ProbeDurations(registry), "s", "Duration of a node's last answered probe");
    }

    private static IEnumerable<Measurement<long>> ByState(BackendRegistry registry) =>
        Enum.GetValues<BackendState>().Select(state => new Measurement<long>(
            registry.Current.Backends.Count(backend => backend.State == state),
            new KeyValuePair<string, object?>("state", state.Name())));

    private static BackendTraffic TrafficOf(BackendRegistry registry, KnownBackend backend) => registry.Runtimes.Of(backend.Backend).Traffic;

    private static IEnumerable<Measurement<long>> ByClass(TrafficCounts counts, KnownBackend? backend) =>
        Enumerable.Range(1, 5).Select(number => backend is null
            ? new Measurement<long>(counts.OfClass(number), Class(number))
            : new Measurement<long>(counts.OfClass(number), Tag(backend), Class(number)));

    private static IEnumerable<Measurement<double>> Quantiles(TrafficCounts counts, KnownBackend backend) =>
        from quantile in ExportedQuantiles
        // Prometheus expects NaN for a quantile without observations.
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

    private static IEnumerable<Measurement<long>> Clients(BackendRegistry registry, ClientDistribution distribution, Func<NodeClients, long?> value)
    {
        var snapshot = registry.Current;
        return snapshot.Backends.Zip(distribution.Of(snapshot), (backend, clients) => (backend, Value: value(clients)))
            .Where(item => item.Value is not null).Select(item => new Measurement<long>(item.Value!.Value, Tag(item.backend)));
    }

    // A node that drained by itself and then went down may have been stopped by mistake.
    private static bool Drains(BackendHealth health) =>
        health.State == BackendState.Draining || health.IsDrainedByOperator;

    private static long Flag(bool value) => value ? 1 : 0;

    private static KeyValuePair<string, object?> Class(int number) => new("class", number.ToString(CultureInfo.InvariantCulture) + "xx");

    private static KeyValuePair<string, object?> Tag(KnownBackend backend) => new("backend", backend.Id);
}

/// <summary>Metrics of limits.</summary>
internal sealed class LimitMetrics : StartedMetrics
{
    public LimitMetrics(
        IMeterFactory meters, DescriptorLimit descriptors, ConnectionLimit connections, ClientConnections perClient,
        RequestLimit requests, BodyLimit bodies, AdminAccess admin, ProxyHeaderPolicy introductions, LoopGuard loops)
    {
        // Owned by the factory.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.client_connections", () => connections.Open, "{connection}", "Open client connections");
        meter.CreateObservableGauge("kiro.balancer.client_connections_limit", () => connections.Max, "{connection}", "Maximum number of client connections");
        meter.CreateObservableCounter("kiro.balancer.client_connections_refused", () => connections.Refused, "{connection}", "Client connections refused because of a limit");
        meter.CreateObservableGauge("kiro.balancer.descriptor_limit", () => descriptors.Soft ?? 0, "{file}", "Maximum number of open files and sockets");
        meter.CreateObservableCounter("kiro.balancer.wrong_admin_tokens", () => admin.WrongTokens, "{request}", "Requests with a wrong admin token");
        meter.CreateObservableCounter("kiro.balancer.admin_tokens_refused", () => admin.RejectedTokens, "{request}", "Admin tokens ignored after too many wrong ones from the same address");
        meter.CreateObservableCounter("kiro.balancer.per_client_connections_refused", () => perClient.Refused, "{connection}", "Connections refused because a client had too many");
        meter.CreateObservableCounter("kiro.balancer.per_client_requests_refused", () => requests.Refused, "{request}", "Requests refused because a client sent too many");
        meter.CreateObservableCounter("kiro.balancer.request_bodies_refused", () => bodies.Refused, "{request}", "Requests refused because of their body size");
        meter.CreateObservableCounter("kiro.balancer.proxy_headers_refused", () => introductions.Refused, "{connection}", "Connections of trusted proxies closed for lack of a valid PROXY protocol header");
        meter.CreateObservableCounter("kiro.balancer.loops", () => loops.Loops, "{request}", "Requests that looped back to this balancer and were refused with 508");
    }
}

/// <summary>Metrics of admin actions and peers.</summary>
internal sealed class PeerMetrics : StartedMetrics
{
    public PeerMetrics(IMeterFactory meters, PeerSet peers, OrderBook book, SessionCounters sessions)
    {
        // Owned by the factory.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.peers", () => ByState(peers), "{balancer}", "Peers by reachability");
        meter.CreateObservableUpDownCounter("kiro.balancer.peers_differing", () => peers.All.Count(peer => peer.State.Persistent.Count > 0), "{balancer}", "Peers that have disagreed with this balancer for 30 s");
        meter.CreateObservableUpDownCounter("kiro.balancer.orders", () => book.Count, "{order}", "Admin actions (drain, weight) in force");
        meter.CreateObservableCounter("kiro.balancer.orders_refused", () => book.Refused, "{order}", "Admin actions from peers that were malformed, dated too far ahead, or too many");
        meter.CreateObservableCounter("kiro.balancer.sessions_told", () => sessions.SlotsSent, "{slot}", "Sessions (client slots) sent to peers");
        meter.CreateObservableCounter("kiro.balancer.sessions_heard", () => sessions.SlotsMerged, "{slot}", "Sessions accepted from peers");
        meter.CreateObservableCounter("kiro.balancer.sessions_differing", () => sessions.Differing, "{slot}", "Sessions from peers that this balancer had newer information about");
        meter.CreateObservableCounter("kiro.balancer.sessions_refused", () => sessions.Refused, "{slot}", "Sessions from peers with different hashing settings, or with too many nodes");
        meter.CreateObservableUpDownCounter("kiro.balancer.sessions_untold", () => peers.All.Sum(peer => peer.PendingSessions ?? 0), "{slot}", "Sessions still to be sent to peers");
        meter.CreateObservableCounter("kiro.balancer.sessions_bytes", () => Bytes(sessions), "By", "Bytes of session messages exchanged with peers");
    }

    private static Measurement<long>[] Bytes(SessionCounters sessions) =>
        [new(sessions.Sent, new KeyValuePair<string, object?>("direction", "out")), new(sessions.Received, new KeyValuePair<string, object?>("direction", "in"))];

    private static Measurement<int>[] ByState(PeerSet peers)
    {
        var (all, reached) = (peers.All.Count(), peers.All.Count(peer => peer.State.IsReachable));
        return [new(reached, new KeyValuePair<string, object?>("state", "reachable")), new(all - reached, new KeyValuePair<string, object?>("state", "lost"))];
    }
}

/// <summary>Metrics of TLS certificates.</summary>
internal sealed class TlsMetrics : StartedMetrics
{
    public TlsMetrics(IMeterFactory meters, TimeProvider time, CertificateStore? store = null)
    {
        if (store is null)
        {
            return;
        }

        // Owned by the factory.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableGauge("kiro.tls.certificate.days_left", () => DaysLeft(store, time), null, "Whole days until a certificate expires, negative afterwards");
        meter.CreateObservableGauge("kiro.tls.certificate.refused", () => store.Problem is null ? 0L : 1L, null, "1 while the certificate files cannot be used and the previous certificates stay in force");
    }

    // During a renewal there may be two for one name; clients get the one that expires last.
    private static IEnumerable<Measurement<long>> DaysLeft(CertificateStore store, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return store.Current.All.GroupBy(certificate => certificate.Name).Select(group =>
            new Measurement<long>(group.Max(certificate => certificate.DaysLeft(now)), new KeyValuePair<string, object?>("certificate", group.Key)));
    }
}

/// <summary>Metrics that are created when the host starts.</summary>
internal abstract class StartedMetrics : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal static class TelemetryServices
{
    // Values from a client's Host field must not become labels: each would be a new time series.
    private static readonly string[] BackendRequestTags =
    [
        "http.request.method", "http.response.status_code", "http.connection.state", "error.type",
        "network.protocol.version", "network.peer.address", "server.port",
    ];

    public static void AddBalancerMetrics(this IServiceCollection services)
    {
        services.AddSingleton<OwnResponses>();
        services.AddHostedService<KestrelRefusals>();
        services.AddSingleton<TrafficWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<TrafficWatch>());
        services.AddHostedService<BalancerMetrics>();
        services.AddHostedService<LimitMetrics>();
        services.AddHostedService<PeerMetrics>();
        services.AddHostedService<TlsMetrics>();
        services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddView(instrument =>
            instrument.Meter.Name == "System.Net.Http" ? new MetricStreamConfiguration { TagKeys = BackendRequestTags } : null));
    }
}
