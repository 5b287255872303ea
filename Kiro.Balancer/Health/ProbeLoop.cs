using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;

namespace Kiro.Balancer.Health;

/// <summary>Probes every node in a loop of its own, so that a slow one delays nobody else's verdict.</summary>
internal sealed class ProbeLoop(
    BackendRegistry registry, Prober prober, HealthRules rules, TimeProvider time, ILogger<ProbeLoop> logger) : BackgroundService
{
    /// <summary>However many requests fail, a node is not probed more often.</summary>
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(250);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var loops = new Dictionary<Backend, CancellationTokenSource>();
        try
        {
            while (true)
            {
                Follow(registry.Current.Backends, loops, stoppingToken);
                await registry.MembersChanged.WaitAsync(Timeout.InfiniteTimeSpan, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops, and the loops with it.
        }
    }

    private void Follow(IReadOnlyList<Backend> members, Dictionary<Backend, CancellationTokenSource> loops, CancellationToken stoppingToken)
    {
        foreach (var gone in loops.Keys.Except(members).ToList())
        {
            loops.Remove(gone, out var loop);
            loop!.Cancel();
            loop.Dispose();
        }

        foreach (var backend in members.Except(loops.Keys).ToList())
        {
            var loop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            loops.Add(backend, loop);
            _ = ProbeForeverAsync(backend, loop.Token);
        }
    }

    private async Task ProbeForeverAsync(Backend backend, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var probe = await prober.ProbeAsync(backend, cancellationToken);
                registry.Change(backend, health => rules.Apply(health, probe, time.GetUtcNow()));
                // Without another node there is nothing better to do than to wait for this one.
                if (probe.Outcome == ProbeOutcome.Silent && backend.Health.Verdict == BackendVerdict.Down && !registry.Current.IsPanic)
                {
                    backend.AbandonWaiting();
                }

                var wait = rules.NextProbe(backend.Health, Random.Shared.NextDouble());
                var pause = wait < ShortestInterval ? wait : ShortestInterval;
                await Task.Delay(pause, time, cancellationToken);
                await backend.ProbeNow.WaitAsync(wait - pause, time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // One node's loop must not end before the node does.
                logger.ProbeBroke(failure, backend);
                await Task.Delay(ShortestInterval, time, CancellationToken.None);
            }
        }
    }
}
