using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.Balancer.Selection;
using Kiro.Balancer.State;

namespace Kiro.Balancer.Admin.Timeline;

/// <summary>Records the timeline asynchronously to registry changes.</summary>
internal sealed class EventRecorder(
    ChangeFeed feed, EventWriter writer, EventRing ring, StateChanges state, TimeProvider time, ILogger<EventRecorder> logger, SessionTable? sessions = null)
    : BackgroundService
{
    /// <summary>Changes within this time are combined: two hundred backends that come up are one event.</summary>
    private static readonly TimeSpan BatchWindow = TimeSpan.FromMilliseconds(200);

    private readonly Lock _recording = new();
    private readonly HeldSlots? _heldSlots = sessions is null ? null : new HeldSlots();
    private bool _hasCopy;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Before ExecuteAsync, so that it precedes anything that the first lookup finds.
        ring.Add([new ClusterEvent { Time = time.GetUtcNow(), Kind = "started" }]);
        // An order is saved together with its event.
        state.Saving += Record;
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await feed.Changes.WaitToReadAsync(stoppingToken))
            {
                // At once: clients that lost their session soon have another one.
                CopySessions();
                await Task.Delay(BatchWindow, time, stoppingToken);
                Record();
                state.MarkChanged();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutting down: the last changes belong to the saved state.
            Record();
        }
    }

    private void CopySessions()
    {
        lock (_recording)
        {
            if (!_hasCopy)
            {
                sessions?.CopyTo(_heldSlots!);
                _hasCopy = true;
            }
        }
    }

    private void Record()
    {
        lock (_recording)
        {
            CopySessions();
            var changes = new List<RegistryChange>();
            while (feed.Changes.TryRead(out var change))
            {
                changes.Add(change);
            }

            _hasCopy = false;
            if (changes.Count > 0)
            {
                Record(changes);
            }
        }
    }

    // An exception that leaves here would stop the balancer.
    private void Record(List<RegistryChange> changes)
    {
        try
        {
            ring.Add(writer.Write(changes, _heldSlots));
        }
        catch (Exception problem)
        {
            logger.TimelineBroke(problem);
        }
    }
}

/// <summary>Turns registry changes into events, with the number of clients that each has moved.</summary>
internal sealed class EventWriter(MoveCounter counter)
{
    private const int MaxNames = 5;

    /// <param name="changes">In order. Equal changes of several backends are combined.</param>
    /// <param name="holders">The sessions at that time; null without session affinity.</param>
    public IReadOnlyList<ClusterEvent> Write(IReadOnlyList<RegistryChange> changes, ISlotHolders? holders = null)
    {
        var after = changes[^1].After;
        // A slow start moves clients later without an event; they count towards the one that started it.
        var moves = counter.Count(changes[0].Before, after, settled: true, holders);
        var all = changes.SelectMany(change => change.Changes).ToList();
        // Clients move because of a change to the backend that they leave, or else to the one that they move to.
        var causes = all.GroupBy(change => change.Backend.Id).ToDictionary(group => group.Key, group => group.Last());
        var flows = moves.Moving.ToLookup(flow => Cause(flow.From, causes) ?? Cause(flow.To, causes) ?? all[^1]);
        var up = after.Backends.Count(backend => backend.State == BackendState.Up);
        return [.. all.GroupBy(change => (change.Kind, change.From, change.Reason)).Select(group => new ClusterEvent
        {
            Time = group.First().At,
            Kind = KindOf(group.Key.Kind),
            Nodes = [.. group.Select(change => NamedBackend.NameOf(after.Of(change.Backend.Backend) ?? change.Backend)).Distinct().Take(MaxNames)],
            Count = group.Select(change => change.Backend.Backend).Distinct().Count(),
            From = group.Key.From is { } from ? from.Name() : null,
            Reason = group.Key.Reason,
            MovedShare = Math.Round(group.Distinct().Sum(change => flows[change].Sum(flow => flow.Share)), 4),
            MovedClients = group.Distinct().Sum(change => flows[change].Sum(flow => flow.Clients)),
            RecentClients = moves.RecentClients,
            Up = up,
            Total = after.Backends.Count,
        })];
    }

    // Changes of state are named after the new state.
    private static string KindOf(ChangeKind kind) => kind switch
    {
        ChangeKind.Joined => "joined",
        ChangeKind.Left => "left",
        ChangeKind.Ejected => "ejected",
        ChangeKind.Weight => "weight",
        ChangeKind.Up => BackendState.Up.Name(),
        ChangeKind.Down => BackendState.Down.Name(),
        ChangeKind.Draining => BackendState.Draining.Name(),
        _ => BackendState.Starting.Name(),
    };

    private static BackendChange? Cause(string? id, Dictionary<string, BackendChange> causes) =>
        id is null ? null : causes.GetValueOrDefault(id);
}
