using System.Text.Json.Serialization;

namespace Kiro.Balancer.Admin.Contract;

/// <summary>The response of <c>GET /lb/status</c>.</summary>
internal sealed record StatusModel
{
    public required BalancerStatus Balancer { get; init; }

    public required SummaryStatus Summary { get; init; }

    public required IReadOnlyList<BackendStatus> Backends { get; init; }

    public required ClientStatus Client { get; init; }

    /// <summary>What an operator should know.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>The latest events, newest first.</summary>
    public required IReadOnlyList<ClusterEvent> Events { get; init; }

    /// <summary>All limits with their use and what was refused.</summary>
    public required LimitsStatus Limits { get; init; }

    /// <summary>Admin actions.</summary>
    public required OrdersStatus Orders { get; init; }

    /// <summary>The other balancers.</summary>
    public required IReadOnlyList<PeerStatus> Peers { get; init; }

    /// <summary>TLS; null if it is off.</summary>
    public required TlsStatus? Tls { get; init; }

    public required DateTimeOffset Timestamp { get; init; }
}

/// <summary>The balancer itself.</summary>
internal sealed record BalancerStatus
{
    /// <summary>The listening port.</summary>
    public required int Port { get; init; }

    /// <summary>The source of the nodes: <c>service-discovery</c>, <c>dns</c>, <c>file</c>, <c>hosts</c> or <c>local</c>.</summary>
    public required string Mode { get; init; }

    public required string Version { get; init; }

    /// <summary><c>running</c> or <c>draining</c>.</summary>
    public required string State { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public required double UptimeSeconds { get; init; }

    /// <summary><c>SESSION_IDLE</c>: for how many seconds after its last request a client stays on its node; 0 without session affinity.</summary>
    public required double SessionIdleSeconds { get; init; }

    /// <summary>Whether <c>ADMIN_TOKEN</c> is set.</summary>
    public required bool AdminEnabled { get; init; }

    /// <summary>The settings in force; null from an older balancer.</summary>
    public ReloadedStatus? Settings { get; init; }
}

/// <summary>Totals of all nodes.</summary>
internal sealed record SummaryStatus
{
    /// <summary>Known nodes.</summary>
    public required int Total { get; init; }

    /// <summary>Nodes that are up.</summary>
    public required int Healthy { get; init; }

    /// <summary>Nodes that are up but report a problem themselves.</summary>
    public required int Degraded { get; init; }

    /// <summary>Nodes that are up but answer at least a tenth of their requests with an error (5xx).</summary>
    public required int Failing { get; init; }

    /// <summary>Nodes that are down or starting.</summary>
    public required int Unhealthy { get; init; }

    public required int Draining { get; init; }

    /// <summary>Client requests since the start.</summary>
    public required long Requests { get; init; }

    /// <summary>Over the last ten seconds.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>Retries on another node.</summary>
    public required long Retries { get; init; }

    /// <summary>Requests answered with an error of the balancer itself.</summary>
    public required long Errors { get; init; }

    /// <summary>Responses to clients.</summary>
    public required TrafficStatus Traffic { get; init; }

    /// <summary>Clients with a request in the last five to ten minutes.</summary>
    public required long RecentClients { get; init; }
}

/// <summary>TLS to clients.</summary>
internal sealed record TlsStatus
{
    /// <summary>The listening port.</summary>
    public required int Port { get; init; }

    /// <summary>The first 50 to expire.</summary>
    public required IReadOnlyList<CertificateStatus> Certificates { get; init; }

    /// <summary>Why the current certificate files are not in force; null if they are.</summary>
    public required string? Problem { get; init; }
}

/// <summary>A certificate in force. The days until it expires are negative if it has.</summary>
internal sealed record CertificateStatus(IReadOnlyList<string> Names, DateTimeOffset NotAfter, int DaysLeft);

/// <summary>The response of <c>GET /health</c>.</summary>
internal sealed record HealthStatus(string Status, [property: JsonPropertyName("healthy_backends")] int HealthyBackends);

/// <summary>Limits.</summary>
internal sealed record LimitsStatus
{
    /// <summary>Files and sockets of this process.</summary>
    public required DescriptorStatus Descriptors { get; init; }

    /// <summary>Client connections.</summary>
    public required ConnectionStatus Connections { get; init; }

    /// <summary>Connections to the admin listener; null without one.</summary>
    public required ConnectionStatus? AdminConnections { get; init; }

    /// <summary>Wrong admin tokens.</summary>
    public required TokenStatus AdminTokens { get; init; }

    /// <summary>Limits per client.</summary>
    public required ClientLimitStatus Clients { get; init; }

    /// <summary>Request bodies.</summary>
    public required BodyLimitStatus Bodies { get; init; }

    /// <summary>Connections of trusted proxies closed for lack of a valid PROXY protocol header.</summary>
    public required long ProxyHeadersRefused { get; init; }

    /// <summary>Requests that looped back to this balancer and were refused with 508.</summary>
    public required long Loops { get; init; }
}

/// <summary>RLIMIT_NOFILE; null where there is no limit.</summary>
internal sealed record DescriptorStatus(long? Soft, long? Hard);

/// <summary>Open connections, their limit (for clients <c>LIMIT_CONNECTIONS</c>), and those refused.</summary>
internal sealed record ConnectionStatus(int Open, int Max, long Refused);

/// <summary>The limits per client (<c>LIMIT_CONNECTIONS_PER_CLIENT</c>, <c>LIMIT_REQUESTS_PER_SECOND</c>; 0 for none), and what was refused because
/// of them.</summary>
internal sealed record ClientLimitStatus(
    int MaxConnections, long ConnectionsRefused, double MaxRequestsPerSecond, int Burst, long RequestsRefused);

/// <summary>The limit of request bodies in bytes (<c>LIMIT_REQUEST_BODY</c>; 0 for none), and the requests refused because of it.</summary>
internal sealed record BodyLimitStatus(long Max, long Refused);

/// <summary>Wrong tokens, and those ignored after too many wrong ones from the same address.</summary>
internal sealed record TokenStatus(long Wrong, long Refused);

/// <summary>Admin actions in force.</summary>
/// <param name="Count">Their number, including those for nodes that are not known.</param>
/// <param name="Digest">Equal on balancers with the same admin actions for the nodes that they know.</param>
/// <param name="Refused">Admin actions from peers that were malformed, dated too far ahead, or too many.</param>
internal sealed record OrdersStatus(int Count, string Digest, long Refused);

/// <summary>Another balancer (<c>BALANCER_PEERS</c>).</summary>
internal sealed record PeerStatus
{
    /// <summary>The address at which it is asked.</summary>
    public required string Address { get; init; }

    /// <summary>Whether it answered last time.</summary>
    public required bool Reachable { get; init; }

    /// <summary>Why not. Completes a sentence that begins with its address.</summary>
    public required string? Error { get; init; }

    /// <summary>When it last answered; null for never.</summary>
    public required DateTimeOffset? LastHeard { get; init; }

    /// <summary>Its version; null while unknown, like all that follows.</summary>
    public required string? Version { get; init; }

    /// <summary>Its nodes by state.</summary>
    public required PeerNodes? Nodes { get; init; }

    /// <summary>The number of admin actions that it has.</summary>
    public required int? Orders { get; init; }

    /// <summary>See <see cref="OrdersStatus.Digest"/>.</summary>
    public required string? Digest { get; init; }

    /// <summary>Whether it has the same admin actions as this balancer.</summary>
    public required bool? InStep { get; init; }

    /// <summary>The number of sessions (client slots) still to be sent to it; null if none are sent.</summary>
    public required int? UntoldSessions { get; init; }

    /// <summary>How its view has differed from this balancer's for more than 30 s.</summary>
    public required IReadOnlyList<string> Differences { get; init; }
}

/// <summary>The number of nodes that a balancer knows, by state.</summary>
internal sealed record PeerNodes(int Total, int Up, int Starting, int Down, int Draining);

/// <summary>An event of one node, or of several at the same time and for the same reason.</summary>
internal sealed record ClusterEvent
{
    /// <summary>From 1.</summary>
    public long Id { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary><c>started</c> (the balancer), <c>joined</c>, <c>left</c>, <c>starting</c>, <c>up</c>, <c>down</c>,
    /// <c>ejected</c>, <c>draining</c> or <c>weight</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The first few of the nodes.</summary>
    public IReadOnlyList<NodeName> Nodes { get; init; } = [];

    /// <summary>The number of nodes.</summary>
    public int Count { get; init; }

    /// <summary>Their previous state; null if they were unknown.</summary>
    public string? From { get; init; }

    /// <summary>The reason; null if there is none to give.</summary>
    public string? Reason { get; init; }

    /// <summary>The share of all clients that moved because of it, 0 to 1.</summary>
    public double MovedShare { get; init; }

    /// <summary>The number of recent clients that moved because of it.</summary>
    public long MovedClients { get; init; }

    /// <summary>The number of recent clients.</summary>
    public long RecentClients { get; init; }

    /// <summary>The number of nodes that were up afterwards.</summary>
    public int Up { get; init; }

    /// <summary>The number of known nodes afterwards.</summary>
    public int Total { get; init; }
}

/// <summary>A node's id and name.</summary>
/// <param name="Id">The hashed id.</param>
/// <param name="Node">The name that the node reports; null if unknown.</param>
internal sealed record NodeName(string Id, string? Node);
