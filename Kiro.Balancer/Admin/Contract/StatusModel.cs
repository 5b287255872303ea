using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>The response of <c>GET /lb/status</c>.</summary>
internal sealed record StatusModel
{
    public required BalancerStatus Balancer { get; init; }

    public required SummaryStatus Summary { get; init; }

    public required IReadOnlyList<BackendStatus> Backends { get; init; }

    public required ClientStatus Client { get; init; }

    /// <summary>What an operator should know, in plain words.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The last ones, newest first.</summary>
    public required IReadOnlyList<ClusterEvent> Events { get; init; }

    /// <summary>Every bound, what of it is used, and what was refused because of it.</summary>
    public required LimitsStatus Limits { get; init; }

    /// <summary>What operators ordered.</summary>
    public required OrdersStatus Orders { get; init; }

    /// <summary>The other balancers that are told.</summary>
    public required IReadOnlyList<PeerStatus> Peers { get; init; }

    /// <summary>HTTPS to clients; null when it is off.</summary>
    public required TlsStatus? Tls { get; init; }

    /// <summary>When all this was so.</summary>
    public required DateTimeOffset Timestamp { get; init; }
}

/// <summary>The balancer itself.</summary>
internal sealed record BalancerStatus
{
    /// <summary>Where it listens.</summary>
    public required int Port { get; init; }

    /// <summary>Where its nodes come from: <c>service-discovery</c>, <c>dns</c>, <c>file</c>, <c>hosts</c> or <c>local</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>Of the program.</summary>
    public required string Version { get; init; }

    /// <summary><c>running</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required double UptimeSeconds { get; init; }

    /// <summary><c>SESSION_IDLE</c>: seconds after its last request for which a client stays with its node; 0 when sessions do not stay.</summary>
    public required double SessionIdleSeconds { get; init; }

    /// <summary>Whether <c>ADMIN_TOKEN</c> is set, so that nodes can be drained, resumed and weighted.</summary>
    public required bool AdminEnabled { get; init; }

    /// <summary>Which settings are in force; null from a balancer that is older than this.</summary>
    public ReloadedStatus? Settings { get; init; }
}

/// <summary>All nodes together.</summary>
internal sealed record SummaryStatus
{
    /// <summary>Nodes that are known.</summary>
    public required int Total { get; init; }

    /// <summary>Those that are up.</summary>
    public required int Healthy { get; init; }

    /// <summary>Of those, the ones that say themselves that something is wrong.</summary>
    public required int Degraded { get; init; }

    /// <summary>Of those that are up, the ones that answer at least a tenth of their requests with an error (5xx).</summary>
    public required int Failing { get; init; }

    /// <summary>Those that are down or starting.</summary>
    public required int Unhealthy { get; init; }

    /// <summary>Those that are draining.</summary>
    public required int Draining { get; init; }

    /// <summary>Requests of clients since the start.</summary>
    public required long Requests { get; init; }

    /// <summary>Over the last ten seconds.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>Tries after a first one.</summary>
    public required long Retries { get; init; }

    /// <summary>Requests that the balancer had to answer with an error of its own.</summary>
    public required long Errors { get; init; }

    /// <summary>What clients were answered.</summary>
    public required TrafficStatus Traffic { get; init; }

    /// <summary>Clients with a request in the last five to ten minutes.</summary>
    public required long RecentClients { get; init; }
}

/// <summary>HTTPS to clients.</summary>
internal sealed record TlsStatus
{
    /// <summary>Where it listens.</summary>
    public required int Port { get; init; }

    /// <summary>Those that expire first, at most 50.</summary>
    public required IReadOnlyList<CertificateStatus> Certificates { get; init; }

    /// <summary>Why the files that lie there now are not in force; null when they are.</summary>
    public required string? Problem { get; init; }
}

/// <summary>A certificate in force: what it is for, when it expires, and in how many whole days; negative afterwards.</summary>
internal sealed record CertificateStatus(IReadOnlyList<string> Names, DateTimeOffset NotAfter, int DaysLeft);

/// <summary>The response of <c>GET /health</c>.</summary>
internal sealed record HealthStatus(string Status, [property: JsonPropertyName("healthy_backends")] int HealthyBackends);

/// <summary>The bounds.</summary>
internal sealed record LimitsStatus
{
    /// <summary>Files and sockets of this process.</summary>
    public required DescriptorStatus Descriptors { get; init; }

    /// <summary>Connections of clients.</summary>
    public required ConnectionStatus Connections { get; init; }

    /// <summary>Connections of operators; null without a listener of their own.</summary>
    public required ConnectionStatus? AdminConnections { get; init; }

    /// <summary>Wrong admin tokens.</summary>
    public required TokenStatus AdminTokens { get; init; }

    /// <summary>What single clients were refused.</summary>
    public required ClientLimitStatus Clients { get; init; }

    /// <summary>Bodies of requests.</summary>
    public required BodyLimitStatus Bodies { get; init; }

    /// <summary>Connections of trusted proxies that were closed because no valid header of the PROXY protocol came first.</summary>
    public required long ProxyHeadersRefused { get; init; }

    /// <summary>Requests that came back to this balancer and got 508.</summary>
    public required long Loops { get; init; }
}

/// <summary>RLIMIT_NOFILE; null where there is none.</summary>
internal sealed record DescriptorStatus(long? Soft, long? Hard);

/// <summary>Those that are open, how many may be (of clients <c>LIMIT_CONNECTIONS</c>), and those that were refused.</summary>
internal sealed record ConnectionStatus(int Open, int Max, long Refused);

/// <summary>Connections and requests that were refused because one client had too many of them
/// (<c>LIMIT_CONNECTIONS_PER_CLIENT</c>, <c>LIMIT_REQUESTS_PER_SECOND</c>), and what the limits are; 0 for none.</summary>
internal sealed record ClientLimitStatus(
    int MaxConnections, long ConnectionsRefused, double MaxRequestsPerSecond, int Burst, long RequestsRefused);

/// <summary>How long the body of a request may be (<c>LIMIT_REQUEST_BODY</c>, in bytes; 0 for no limit), and how many requests
/// were refused because of it.</summary>
internal sealed record BodyLimitStatus(long Max, long Refused);

/// <summary>Wrong tokens, and those that were not looked at because their sender had been wrong too often.</summary>
internal sealed record TokenStatus(long Wrong, long Refused);

/// <summary>Operators' orders in force.</summary>
/// <param name="Count">How many, those included that wait for a node which is not known.</param>
/// <param name="Digest">The same on balancers that have the same orders about the nodes that they know.</param>
/// <param name="Refused">Orders of peers that were malformed, dated too far ahead, or too many.</param>
internal sealed record OrdersStatus(int Count, string Digest, long Refused);

/// <summary>Another balancer (<c>BALANCER_PEERS</c>).</summary>
internal sealed record PeerStatus
{
    /// <summary>Where it is asked.</summary>
    public required string Address { get; init; }

    /// <summary>Whether it responded the last time.</summary>
    public required bool Reachable { get; init; }

    /// <summary>Why not, in words that follow its address.</summary>
    public required string? Error { get; init; }

    /// <summary>When it last responded; null when it never did.</summary>
    public required DateTimeOffset? LastHeard { get; init; }

    /// <summary>Of its program; null while it is unknown, as is all that follows.</summary>
    public required string? Version { get; init; }

    /// <summary>Its nodes by state.</summary>
    public required PeerNodes? Nodes { get; init; }

    /// <summary>How many orders it has.</summary>
    public required int? Orders { get; init; }

    /// <summary>See <see cref="OrdersStatus.Digest"/>.</summary>
    public required string? Digest { get; init; }

    /// <summary>Whether it has the same orders as this balancer.</summary>
    public required bool? InStep { get; init; }

    /// <summary>How many sessions (slots of clients) it is still to be told of; null when it is told of none.</summary>
    public required int? UntoldSessions { get; init; }

    /// <summary>What it has seen otherwise than this balancer for more than 30 s, in plain words.</summary>
    public required IReadOnlyList<string> Differences { get; init; }
}

/// <summary>How many nodes a balancer knows, and in which states it sees them.</summary>
internal sealed record PeerNodes(int Total, int Up, int Starting, int Down, int Draining);

/// <summary>Something that happened, once, to one node or to several at the same time and for the same reason.</summary>
internal sealed record ClusterEvent
{
    /// <summary>Counts from 1 since the balancer started.</summary>
    public long Id { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary><c>started</c> (the balancer), <c>joined</c>, <c>left</c>, <c>starting</c>, <c>up</c>, <c>down</c>,
    /// <c>ejected</c>, <c>draining</c> or <c>weight</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Which; the first few of them when there are many.</summary>
    public IReadOnlyList<NodeName> Nodes { get; init; } = [];

    /// <summary>How many nodes.</summary>
    public int Count { get; init; }

    /// <summary>Their state before; null when they were not known.</summary>
    public string? From { get; init; }

    /// <summary>Why, in plain words; null when there is nothing to say.</summary>
    public string? Reason { get; init; }

    /// <summary>The share of all clients that changed their node because of it, as a fraction of 1.</summary>
    public double MovedShare { get; init; }

    /// <summary>How many of the recent clients did.</summary>
    public long MovedClients { get; init; }

    /// <summary>How many recent clients there were.</summary>
    public long RecentClients { get; init; }

    /// <summary>How many nodes were up afterwards.</summary>
    public int Up { get; init; }

    /// <summary>How many were known afterwards.</summary>
    public int Total { get; init; }
}

/// <summary>What a node is called.</summary>
/// <param name="Id">What is hashed.</param>
/// <param name="Node">The name that it gives itself; null while it is unknown.</param>
internal sealed record NodeName(string Id, string? Node);
