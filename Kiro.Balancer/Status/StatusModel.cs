using Kiro.Balancer.Timeline;

namespace Kiro.Balancer.Status;

/// <summary>The answer of <c>GET /lb/status</c>.</summary>
internal sealed record StatusModel(
    BalancerStatus Balancer,
    SummaryStatus Summary,
    IReadOnlyList<BackendStatus> Backends,
    ClientStatus Client,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<ClusterEvent> Events,
    DateTimeOffset Timestamp);
