using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Makes events out of what happened to the nodes, and tells for each how many clients it moved.</summary>
internal sealed class EventWriter(MoveCounter counter)
{
    private const int MaxNames = 5;

    /// <param name="changes">In the order in which they happened; what happened to several nodes alike becomes one event.</param>
    /// <param name="holders">Who had sessions where when it happened; null when sessions do not stay.</param>
    public IReadOnlyList<ClusterEvent> Write(IReadOnlyList<RegistryChange> changes, ISlotHolders? holders = null)
    {
        var after = changes[^1].After;
        // A slow start moves clients without further events: they count with the one that set them moving.
        var moves = counter.Count(changes[0].Before, after, settled: true, holders);
        var all = changes.SelectMany(change => change.Changes).ToList();
        // Clients move because of what happened to the node that they leave, or else to the one that they come to.
        var causes = all.GroupBy(change => change.Backend.Id).ToDictionary(group => group.Key, group => group.Last());
        var flows = moves.Moving.ToLookup(flow => Cause(flow.From, causes) ?? Cause(flow.To, causes) ?? all[^1]);
        var up = after.Backends.Count(backend => backend.State == BackendState.Up);
        return [.. all.GroupBy(change => (change.Kind, change.From, change.Reason)).Select(group => new ClusterEvent
        {
            Time = group.First().At,
            Kind = KindOf(group.Key.Kind),
            Nodes = [.. group.Select(change => NamedBackend.NameOf(after.Of(change.Backend.Backend) ?? change.Backend)).Distinct().Take(MaxNames)],
            Count = group.Select(change => change.Backend.Backend).Distinct().Count(),
            From = group.Key.From is { } from ? from.Word() : null,
            Reason = group.Key.Reason,
            MovedShare = Math.Round(group.Distinct().Sum(change => flows[change].Sum(flow => flow.Share)), 4),
            MovedClients = group.Distinct().Sum(change => flows[change].Sum(flow => flow.Clients)),
            RecentClients = moves.RecentClients,
            Up = up,
            Total = after.Backends.Count,
        })];
    }

    // A change of state is called by the state's word.
    private static string KindOf(ChangeKind kind) => kind switch
    {
        ChangeKind.Joined => "joined",
        ChangeKind.Left => "left",
        ChangeKind.Ejected => "ejected",
        ChangeKind.Weight => "weight",
        ChangeKind.Up => BackendState.Up.Word(),
        ChangeKind.Down => BackendState.Down.Word(),
        ChangeKind.Draining => BackendState.Draining.Word(),
        _ => BackendState.Starting.Word(),
    };

    private static BackendChange? Cause(string? id, Dictionary<string, BackendChange> causes) =>
        id is null ? null : causes.GetValueOrDefault(id);
}
