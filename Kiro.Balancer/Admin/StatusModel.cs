using Kiro.Balancer.Admin.Timeline;

namespace Kiro.Balancer.Admin;

/// <summary>The answer of <c>GET /lb/status</c>.</summary>
internal sealed record StatusModel(
    BalancerStatus Balancer,
    SummaryStatus Summary,
    IReadOnlyList<BackendStatus> Backends,
    ClientStatus Client,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<ClusterEvent> Events,
    DateTimeOffset Timestamp);
