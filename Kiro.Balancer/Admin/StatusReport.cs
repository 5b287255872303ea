using System.Globalization;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Limits;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Selection;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>Builds the status.</summary>
internal sealed class StatusReport(
    ListenPort listen,
    Drain drain,
    Reloadable<DiscoveryOptions> discovery,
    AdminAccess admin,
    CallerRoute caller,
    BackendRegistry registry,
    BackendHistories histories,
    ClientDistribution distribution,
    EventRing events,
    ForwardingCounters counters,
    TrafficWatch traffic,
    WarningList warnings,
    LimitsReport limits,
    PeersReport peers,
    TlsReport tls,
    SelectionOptions selection,
    SettingsReload settings,
    TimeProvider time)
{
    /// <summary>How many events a page shows.</summary>
    private const int MaxEvents = 30;

    private const string Failing = "failing";
    private const string Degraded = "degraded";

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _start = time.GetTimestamp();

    public StatusModel For(HttpContext context)
    {
        var snapshot = registry.Current;
        var clients = distribution.Of(snapshot);
        var now = time.GetUtcNow();
        BackendStatus[] backends = [.. snapshot.Backends.Select((backend, index) => Node(backend, snapshot.Selector.Shares[index], clients[index]))];
        return new StatusModel
        {
            Balancer = Balancer(),
            Summary = Summary(snapshot.Backends, backends.Count(backend => backend.Status == Failing)),
            Backends = backends,
            Client = caller.Of(context, snapshot),
            Warnings =
            [
                .. warnings.Of(snapshot, caller.AddressOf(context), admin.Check(context.Request.Headers.Authorization, caller.IpOf(context)) == AdminVerdict.Right),
                .. peers.Warnings(),
            ],
            Events = events.Newest(MaxEvents),
            Limits = limits.Now(),
            Orders = peers.Orders,
            Peers = peers.Peers,
            Tls = tls.Now(),
            Timestamp = now,
        };
    }

    private BalancerStatus Balancer() => new()
    {
        Port = listen.Port,
        Mode = discovery.Value.Mode switch
        {
            DiscoveryMode.ServiceDiscovery => "service-discovery",
            DiscoveryMode.Dns => "dns",
            DiscoveryMode.File => "file",
            DiscoveryMode.Hosts => "hosts",
            _ => "local",
        },
        Version = ServiceDefaultsExtensions.Version,
        State = drain.IsDraining ? "draining" : "running",
        StartedAt = _startedAt,
        UptimeSeconds = Math.Round(time.GetElapsedTime(_start).TotalSeconds, 1),
        SessionIdleSeconds = selection.SessionIdle.TotalSeconds,
        AdminEnabled = admin.IsSet,
        Settings = ReloadedStatus.Of(settings.Status),
    };

    private SummaryStatus Summary(IReadOnlyList<KnownBackend> backends, int failing)
    {
        var states = backends.CountBy(backend => backend.State).ToDictionary();
        return new SummaryStatus
        {
            Total = backends.Count,
            Healthy = states.GetValueOrDefault(BackendState.Up),
            Degraded = backends.Count(backend => backend.Health is { State: BackendState.Up, Degradation: not null }),
            Failing = failing,
            Unhealthy = states.GetValueOrDefault(BackendState.Down) + states.GetValueOrDefault(BackendState.Starting),
            Draining = states.GetValueOrDefault(BackendState.Draining),
            Requests = counters.Requests,
            RequestsPerSecond = Math.Round(histories.RequestsPerSecond, 1),
            Retries = counters.Retries,
            Errors = counters.Errors,
            RecentClients = distribution.AllClients,
            Traffic = TrafficReport.Of(traffic.All, counters.Retries, backends.Sum(backend => registry.Runtimes.Of(backend.Backend).Traffic.Connects)),
        };
    }

    private BackendStatus Node(KnownBackend backend, double share, NodeClients clients)
    {
        var health = backend.Health;
        var runtime = registry.Runtimes.Of(backend.Backend);
        var counted = runtime.Counters;
        var (rate, latencies) = histories.Of(backend.Backend);
        var recent = traffic.Of(backend.Backend);
        var isUp = health.State == BackendState.Up;
        var fault = isUp && recent.FailingSince is not null ? Outliers.Fault(recent.Recent) : null;
        return new BackendStatus
        {
            Id = backend.Id,
            Host = backend.Backend.Host,
            Port = backend.Backend.Port,
            Node = health.Node,
            State = health.State.Name(),
            Healthy = isUp,
            Reachable = health.Reachable,
            Latency = health.Latency is { } latency ? $"{latency.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)}ms" : null,
            LatencyMs = health.Latency is { } exact ? Math.Round(exact.TotalMilliseconds, 1) : null,
            Status = fault is not null ? Failing : isUp && health.Degradation is not null ? Degraded : null,
            Reason = !isUp ? null : fault is null ? health.Degradation : string.Join("; ", ((string?[])[fault, health.Degradation]).OfType<string>()),
            StatusSince = !isUp ? null : recent.FailingSince ?? health.DegradedSince?.Time,
            Error = health.Reason,
            LastCheck = health.LastCheck,
            Since = health.Since.Time,
            Weight = backend.Weight,
            Share = Math.Round(share, 4),
            InFlight = counted.InFlight,
            Requests = counted.Requests,
            Failures = counted.Failures,
            RequestsPerSecond = Math.Round(rate, 1),
            Clients = clients.Recent,
            Sessions = clients.Sessions,
            KeptBySessions = clients.Kept,
            OperatorWeight = backend.OperatorWeight,
            DrainedByOperator = health.IsDrainedByOperator,
            LetsSessionsEnd = health.DrainReasons.HasFlag(DrainReasons.Sessions),
            SessionsUntil = health.SessionsUntil is { } until ? registry.Now.Time + (until - registry.Now.Uptime) : null,
            HasBeenUp = health.HasBeenUp,
            LatencyHistory = latencies,
            Traffic = TrafficReport.Of(recent, runtime.Traffic.Retries, runtime.Traffic.Connects),
            ResponseHistory = [.. recent.Points.Select(point => TrafficReport.PerSecond(point.Responses))],
            ErrorHistory = [.. recent.Points.Select(point => TrafficReport.PerSecond(point.Errors))],
        };
    }
}

/// <summary>Converts traffic counts to the contract.</summary>
internal static class TrafficReport
{
    public static TrafficStatus Of(TrafficReading traffic, long retries, long connects) => new()
    {
        Responses = new ResponseClasses(
            traffic.Total.OfClass(1), traffic.Total.OfClass(2), traffic.Total.OfClass(3), traffic.Total.OfClass(4), traffic.Total.OfClass(5)),
        Last10Seconds = Span(traffic.Last10Seconds),
        Last5Minutes = Span(traffic.Last5Minutes),
        BytesIn = traffic.Total.Sent,
        BytesOut = traffic.Total.Received,
        Retries = retries,
        Connects = connects,
    };

    public static HistoryResponse History(TrafficReading traffic) => new()
    {
        PeriodSeconds = TrafficHistory.PointSeconds,
        End = traffic.PointAt,
        RequestsPerSecond = [.. traffic.Points.Select(point => PerSecond(point.Responses))],
        ErrorsPerSecond = [.. traffic.Points.Select(point => PerSecond(point.Errors))],
        P99Ms = [.. traffic.Points.Select(point => Milliseconds(point.P99))],
    };

    public static double PerSecond(long count) => Math.Round(count / (double)TrafficHistory.PointSeconds, 1);

    private static TrafficSpan Span(TrafficCounts counts) => new(
        counts.Responses, counts.Errors,
        Milliseconds(counts.Quantile(0.5)), Milliseconds(counts.Quantile(0.9)), Milliseconds(counts.Quantile(0.99)));

    private static double? Milliseconds(TimeSpan? time) => time is { } known ? Math.Round(known.TotalMilliseconds, 1) : null;
}

/// <summary>Builds the status of all limits.</summary>
internal sealed class LimitsReport(
    DescriptorLimit descriptors, ConnectionLimit connections, Reloadable<LimitOptions> options, ClientConnections perClient, RequestLimit requests, BodyLimit bodies,
    AdminAccess admin, AdminListener adminListener, ProxyHeaderPolicy proxyHeaders, LoopGuard loops)
{
    public LimitsStatus Now() => new()
    {
        Descriptors = new DescriptorStatus(descriptors.Soft, descriptors.Hard),
        Connections = new ConnectionStatus(connections.Open, connections.Max, connections.Refused),
        AdminConnections = adminListener.IsOn ? new ConnectionStatus(adminListener.Limit.Open, adminListener.Limit.Max, adminListener.Limit.Refused) : null,
        AdminTokens = new TokenStatus(admin.WrongTokens, admin.RejectedTokens),
        Clients = new ClientLimitStatus(
            options.Value.ConnectionsPerClient, perClient.Refused, options.Value.RequestsPerSecond, options.Value.Burst, requests.Refused),
        Bodies = new BodyLimitStatus(options.Value.MaxBody, bodies.Refused),
        ProxyHeadersRefused = proxyHeaders.Refused,
        Loops = loops.Loops,
    };
}
