using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Forwarding.Streams;

/// <summary>Whoever has a WebSocket or a stream of events open has a session, although no request says so: when the stream
/// breaks, its client comes again, and wants what the node knows of it.</summary>
internal sealed class StreamSessions(OpenStreams streams, BackendRegistry registry, SessionMemory sessions, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan MaxPeriod = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(sessions.Idle / 4 < MaxPeriod ? sessions.Idle / 4 : MaxPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var snapshot = registry.Current;
                foreach (var (_, (slot, backend)) in streams.All)
                {
                    sessions.Use(slot, snapshot.Of(backend)?.Tenure ?? Tenure.None);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }
}
