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

/// <summary>The balancer's own metrics. They are read when somebody scrapes; a request pays for none of them.</summary>
internal sealed class BalancerMetrics : StartedMetrics
{
    private static readonly double[] QuantilesTold = [0.5, 0.9, 0.99];

    public const string MeterName = "Kiro.Balancer";

    public BalancerMetrics(
        IMeterFactory meters, BackendRegistry registry, ForwardingCounters counters, RetryBudget budget, ClientCensus census,
        DiscoveryStatus discovery, TrafficWatch traffic, Homes homes, TimeProvider time)
    {
        var start = time.GetUtcNow().ToUnixTimeMilliseconds() / 1000d;
        // The factory owns it.
        var meter = meters.Create(MeterName);
        meter.CreateObservableCounter("kiro.balancer.requests", () => counters.Requests, "{request}", "Requests of clients");
        meter.CreateObservableCounter("kiro.balancer.retries", () => counters.Retries, "{request}", "Tries after a first one");
        meter.CreateObservableCounter("kiro.balancer.retries_refused", () => budget.Refused, "{request}", "Retries that the budget did not allow");
        meter.CreateObservableCounter("kiro.balancer.errors", () => counters.Errors, "{request}", "Requests that no node answered");
        meter.CreateObservableUpDownCounter("kiro.balancer.backends", () => ByState(registry), "{node}", "Nodes by state");
        meter.CreateObservableGauge("kiro.balancer.start_time", () => start, "s", "When the balancer started, in Unix time");
        meter.CreateObservableGauge("kiro.balancer.single_client", () => Flag(census.OnlyClient is not null), null, "1 while every request so far came from one address");
        meter.CreateObservableGauge("kiro.balancer.ignored_proxy", () => Flag(census.IgnoredProxy is not null), null, "1 while most requests come through a proxy that is not trusted");
        meter.CreateObservableGauge("kiro.discovery.failing", () => Flag(discovery.Problem is not null), null, "1 while the last lookup of the nodes failed");
        meter.CreateObservableCounter("kiro.backend.requests", () => Counted(registry, counters => counters.Requests), "{request}", "Requests given to a node, each try counted");
        meter.CreateObservableCounter("kiro.backend.failures", () => Counted(registry, counters => counters.Failures), "{request}", "Requests that got no response from the node");
        meter.CreateObservableCounter("kiro.backend.overflows", () => Counted(registry, counters => counters.Overflows), "{request}", "Requests that went elsewhere because the node had its share");
        meter.CreateObservableUpDownCounter("kiro.backend.in_flight", () => Counted(registry, counters => counters.InFlight), "{request}", "Requests under way at a node");
        meter.CreateObservableGauge("kiro.backend.up", () => Each(registry, backend => Flag(backend.State == BackendState.Up)), null, "1 while a node is up");
        meter.CreateObservableGauge("kiro.backend.draining", () => Each(registry, backend => Flag(Drains(backend.Health))), null, "1 while a node drains, or is down and an operator has drained it");
        meter.CreateObservableGauge("kiro.backend.ejected", () => Each(registry, backend => Flag(backend.Health.EjectedUntil is not null)), null, "1 while a node is out because it lost requests");
        meter.CreateObservableGauge("kiro.backend.share", () => Shares(registry), null, "A node's share of all clients, 0 to 1");
        meter.CreateObservableGauge("kiro.backend.clients", () => Clients(registry, homes, clients => clients.Recent), "{client}", "Recent clients that a node serves");
        meter.CreateObservableGauge("kiro.backend.sessions", () => Clients(registry, homes, clients => clients.Sessions), "{client}", "Clients that have a session with a node, where sessions stay");
        meter.CreateObservableGauge("kiro.backend.sessions_kept", () => Clients(registry, homes, clients => clients.Kept), "{client}", "Of those, the ones that only their session keeps there");
        meter.CreateObservableCounter("kiro.balancer.responses", () => ByClass(traffic.All.Total, null), "{response}", "Responses to clients by class, the balancer's own among them");
        meter.CreateObservableCounter("kiro.backend.responses", () => registry.Current.Backends.SelectMany(backend => ByClass(TrafficOf(registry, backend).Sum(), backend)), "{response}", "Responses of a node by class");
        meter.CreateObservableGauge("kiro.backend.response.time", () => registry.Current.Backends.SelectMany(backend => Quantiles(traffic.Of(backend.Backend).Last10Seconds, backend)), "s", "Until a node's response began, over the last ten seconds");
        meter.CreateObservableCounter("kiro.backend.sent", () => Each(registry, backend => TrafficOf(registry, backend).Sum().Sent), "By", "Bytes sent to a node");
        meter.CreateObservableCounter("kiro.backend.received", () => Each(registry, backend => TrafficOf(registry, backend).Sum().Received), "By", "Bytes received from a node");
        meter.CreateObservableCounter("kiro.backend.retries", () => Each(registry, backend => TrafficOf(registry, backend).Retries), "{request}", "Requests that a node failed and that went on to another one");
        meter.CreateObservableCounter("kiro.backend.connects", () => Each(registry, backend => TrafficOf(registry, backend).Connects), "{connection}", "Connections opened to a node for requests");
        meter.CreateObservableGauge("kiro.backend.probe.duration", () => ProbeDurations(registry), "s", "Duration of a node's last answered probe");
    }

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

/// <summary>What is bounded, as metrics.</summary>
internal sealed class LimitMetrics : StartedMetrics
{
    public LimitMetrics(
        IMeterFactory meters, DescriptorLimit descriptors, ConnectionLimit connections, ClientConnections perClient,
        RequestLimit requests, BodyLimit bodies, AdminAccess admin, ProxyHeaders introductions, LoopGuard loops)
    {
        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.client_connections", () => connections.Open, "{connection}", "Open connections of clients");
        meter.CreateObservableGauge("kiro.balancer.client_connections_limit", () => connections.Max, "{connection}", "How many connections of clients may be open");
        meter.CreateObservableCounter("kiro.balancer.client_connections_refused", () => connections.Refused, "{connection}", "Connections of clients that were refused because of a limit");
        meter.CreateObservableGauge("kiro.balancer.descriptor_limit", () => descriptors.Soft ?? 0, "{file}", "How many files and sockets the process may have open");
        meter.CreateObservableCounter("kiro.balancer.wrong_admin_tokens", () => admin.WrongTokens, "{request}", "Requests with a wrong admin token");
        meter.CreateObservableCounter("kiro.balancer.admin_tokens_refused", () => admin.RejectedTokens, "{request}", "Admin tokens that were not looked at because their sender had been wrong too often");
        meter.CreateObservableCounter("kiro.balancer.per_client_connections_refused", () => perClient.Refused, "{connection}", "Connections that were refused because one client had too many");
        meter.CreateObservableCounter("kiro.balancer.per_client_requests_refused", () => requests.Refused, "{request}", "Requests that were refused because one client sent too many");
        meter.CreateObservableCounter("kiro.balancer.request_bodies_refused", () => bodies.Refused, "{request}", "Requests that were refused because their body was too long");
        meter.CreateObservableCounter("kiro.balancer.proxy_headers_refused", () => introductions.Refused, "{connection}", "Connections of trusted proxies that were closed because no valid header of the PROXY protocol came first");
        meter.CreateObservableCounter("kiro.balancer.loops", () => loops.Loops, "{request}", "Requests that came back to this balancer and were answered with 508");
    }
}

/// <summary>Operators' orders and the other balancers, as metrics.</summary>
internal sealed class PeerMetrics : StartedMetrics
{
    public PeerMetrics(IMeterFactory meters, PeerSet peers, OrderBook book, SessionCounters sessions)
    {
        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableUpDownCounter("kiro.balancer.peers", () => ByState(peers), "{balancer}", "Other balancers by whether they respond");
        meter.CreateObservableUpDownCounter("kiro.balancer.peers_differing", () => peers.All.Count(peer => peer.State.Lasting.Count > 0), "{balancer}", "Other balancers that have seen something otherwise for 30 s");
        meter.CreateObservableUpDownCounter("kiro.balancer.orders", () => book.Count, "{order}", "Admin actions (drain, weight) in force");
        meter.CreateObservableCounter("kiro.balancer.orders_refused", () => book.Refused, "{order}", "Orders of other balancers that were malformed, dated too far ahead, or too many");
        meter.CreateObservableCounter("kiro.balancer.sessions_told", () => sessions.Told, "{slot}", "Sessions (slots of clients) that other balancers were told of");
        meter.CreateObservableCounter("kiro.balancer.sessions_heard", () => sessions.Heard, "{slot}", "Sessions that were taken as other balancers told them");
        meter.CreateObservableCounter("kiro.balancer.sessions_differing", () => sessions.Differing, "{slot}", "Sessions told by other balancers that this one knew better");
        meter.CreateObservableCounter("kiro.balancer.sessions_refused", () => sessions.Refused, "{slot}", "Sessions told by balancers with other hashing settings, or with a node too many");
        meter.CreateObservableUpDownCounter("kiro.balancer.sessions_untold", () => peers.All.Sum(peer => peer.UntoldSessions ?? 0), "{slot}", "Sessions that other balancers are still to be told of");
        meter.CreateObservableCounter("kiro.balancer.sessions_bytes", () => Bytes(sessions), "By", "Size of what balancers told each other of sessions");
    }

    private static Measurement<long>[] Bytes(SessionCounters sessions) =>
        [new(sessions.Sent, new KeyValuePair<string, object?>("direction", "out")), new(sessions.Received, new KeyValuePair<string, object?>("direction", "in"))];

    private static Measurement<int>[] ByState(PeerSet peers)
    {
        var (all, reached) = (peers.All.Count(), peers.All.Count(peer => peer.State.IsReachable));
        return [new(reached, new KeyValuePair<string, object?>("state", "reachable")), new(all - reached, new KeyValuePair<string, object?>("state", "lost"))];
    }
}

/// <summary>How long the certificates last that clients are shown.</summary>
internal sealed class TlsMetrics : StartedMetrics
{
    public TlsMetrics(IMeterFactory meters, TimeProvider time, CertificateStore? store = null)
    {
        if (store is null)
        {
            return;
        }

        // The factory owns it.
        var meter = meters.Create(BalancerMetrics.MeterName);
        meter.CreateObservableGauge("kiro.tls.certificate.days_left", () => DaysLeft(store, time), null, "Whole days until a certificate expires, negative afterwards");
        meter.CreateObservableGauge("kiro.tls.certificate.refused", () => store.Problem is null ? 0L : 1L, null, "1 while the certificates that lie there now cannot be used, so that those before are in force");
    }

    // During a renewal there may be two for one name, of which clients get the one that is valid for longer.
    private static IEnumerable<Measurement<long>> DaysLeft(CertificateStore store, TimeProvider time)
    {
        var now = time.GetUtcNow();
        return store.Current.All.GroupBy(certificate => certificate.Name).Select(group =>
            new Measurement<long>(group.Max(certificate => certificate.DaysLeft(now)), new KeyValuePair<string, object?>("certificate", group.Key)));
    }
}

/// <summary>Metrics that are there from the start: a host makes its services then, and has no other use for these.</summary>
internal abstract class StartedMetrics : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal static class TelemetryServices
{
    // What a client writes into its Host field must not become a label: each new one would be a new series for ever.
    private static readonly string[] TagsOfRequestsToNodes =
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
            instrument.Meter.Name == "System.Net.Http" ? new MetricStreamConfiguration { TagKeys = TagsOfRequestsToNodes } : null));
    }
}
