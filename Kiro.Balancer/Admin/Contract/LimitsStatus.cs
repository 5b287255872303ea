namespace Kiro.Balancer.Admin.Contract;

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
