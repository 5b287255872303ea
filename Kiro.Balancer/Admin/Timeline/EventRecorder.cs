using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.Balancer.Selection;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Keeps the timeline, away from whoever reports to the registry.</summary>
internal sealed class EventRecorder(
    ChangeFeed feed, EventWriter writer, EventRing ring, StateChanges state, TimeProvider time, ILogger<EventRecorder> logger, SessionMemory? sessions = null)
    : BackgroundService
{
    /// <summary>What happens within so short a time is told together: two hundred nodes that come up are one event.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(200);

    private readonly Lock _recording = new();
    private readonly HeldSlots? _held = sessions is null ? null : new HeldSlots();
    private bool _isHeld;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Here and not below, so that it comes before whatever the first lookup finds.
        ring.Add([new ClusterEvent { Time = time.GetUtcNow(), Kind = "started" }]);
        // An order is kept together with its event.
        state.Keeping += Record;
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await feed.Changes.WaitToReadAsync(stoppingToken))
            {
                // Now, and not later: until then whoever lost a session would have the next one.
                Hold();
                await Task.Delay(Together, time, stoppingToken);
                Record();
                state.Note();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops: what has just happened belongs to the state that outlives it.
            Record();
        }
    }

    private void Hold()
    {
        lock (_recording)
        {
            if (!_isHeld)
            {
                sessions?.CopyTo(_held!);
                _isHeld = true;
            }
        }
    }

    private void Record()
    {
        lock (_recording)
        {
            Hold();
            var changes = new List<RegistryChange>();
            while (feed.Changes.TryRead(out var change))
            {
                changes.Add(change);
            }

            _isHeld = false;
            if (changes.Count > 0)
            {
                Record(changes);
            }
        }
    }

    // An event less is no reason to stop the balancer, as an exception that leaves here would.
    private void Record(List<RegistryChange> changes)
    {
        try
        {
            ring.Add(writer.Write(changes, _held));
        }
        catch (Exception problem)
        {
            logger.TimelineBroke(problem);
        }
    }
}

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
