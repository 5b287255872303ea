using Kiro.Balancer.Admin.Moves;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Something that happened, once, to one node or to several at the same time and for the same reason.</summary>
/// <param name="Id">Counts from 1 since the balancer started.</param>
/// <param name="Time">When it began.</param>
/// <param name="Kind"><c>started</c> (the balancer), <c>joined</c>, <c>left</c>, <c>starting</c>, <c>up</c>, <c>down</c>,
/// <c>ejected</c>, <c>draining</c> or <c>weight</c>.</param>
/// <param name="Nodes">Which; the first few of them when there are many.</param>
/// <param name="Count">How many nodes.</param>
/// <param name="From">Their state before; null when they were not known.</param>
/// <param name="Reason">Why, in plain words; null when there is nothing to say.</param>
/// <param name="MovedShare">The share of all clients that changed their node because of it, as a fraction of 1.</param>
/// <param name="MovedClients">How many of the recent clients did.</param>
/// <param name="RecentClients">How many recent clients there were.</param>
/// <param name="Up">How many nodes were up afterwards.</param>
/// <param name="Total">How many were known afterwards.</param>
internal sealed record ClusterEvent(
    long Id, DateTimeOffset Time, string Kind, IReadOnlyList<NodeName> Nodes, int Count, string? From, string? Reason,
    double MovedShare, long MovedClients, long RecentClients, int Up, int Total);
