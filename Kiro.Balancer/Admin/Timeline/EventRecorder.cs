using Kiro.Balancer.Admin.Contract;
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
