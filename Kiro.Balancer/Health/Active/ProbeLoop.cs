using System.Diagnostics.CodeAnalysis;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>Probes every node in a loop of its own, so that a slow one delays the verdict of none that is up.</summary>
internal sealed class ProbeLoop(
    BackendRegistry registry, Prober prober, ProbeSchedule schedule, Reloadable<HealthOptions> options, TimeProvider time, ILogger<ProbeLoop> logger) : BackgroundService
{
    /// <summary>Nodes that are not up and are probed at once: a list of thousands that are not there must not take all descriptors.
    /// A node that is up never waits for its turn.</summary>
    public const int MaxOfNotUp = 256;

    [SuppressMessage("Usage", "CA2213:Disposable fields should be disposed", Justification = "Without a wait handle there is nothing to dispose of, and probes that end late give their turn back.")]
    private readonly SemaphoreSlim _turns = new(MaxOfNotUp);
    private readonly Verdicts _verdicts = new(registry);

    /// <summary>However many requests fail, a node is not probed more often.</summary>
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(250);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var loops = new Dictionary<Backend, CancellationTokenSource>();
        options.OnChange(_ => ProbeAll());
        try
        {
            while (true)
            {
                Follow([.. registry.Current.Backends.Select(known => known.Backend)], loops, stoppingToken);
                await registry.MembersChanged.WaitAsync(Timeout.InfiniteTimeSpan, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops, and the loops with it.
        }
    }

    private void Follow(IReadOnlyCollection<Backend> members, Dictionary<Backend, CancellationTokenSource> loops, CancellationToken stoppingToken)
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

    private async Task<(ProbeResult Probe, long Began)> ProbeInTurnAsync(Backend backend, CancellationToken cancellationToken)
    {
        var isInTurn = registry.Current.Of(backend) is not { State: BackendState.Up };
        if (isInTurn)
        {
            await _turns.WaitAsync(cancellationToken);
        }

        try
        {
            var began = time.GetTimestamp();
            return (await prober.ProbeAsync(backend, cancellationToken), began);
        }
        finally
        {
            if (isInTurn)
            {
                _turns.Release();
            }
        }
    }

    // Under other rules each node is judged anew, and none waits for the end of an interval that is not in force any more.
    private void ProbeAll()
    {
        foreach (var known in registry.Current.Backends)
        {
            registry.Runtimes.Of(known.Backend).ProbeNow.Set();
        }
    }

    private async Task ProbeForeverAsync(Backend backend, CancellationToken cancellationToken)
    {
        var runtime = registry.Runtimes.Of(backend);
        var busy = new BusyCheck(runtime, options, time);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var (found, began) = await ProbeInTurnAsync(backend, cancellationToken);
                var probe = busy.Judge(found, began, registry.Current.Of(backend)?.Health.IsConcurrent == true);
                runtime.IsDoubted = probe.Outcome is not (ProbeOutcome.Passed or ProbeOutcome.Draining or ProbeOutcome.Unknown);
                await _verdicts.GiveAsync(backend, probe);
                if (registry.Current.Of(backend) is not { } known)
                {
                    return;
                }

                // Without another node there is nothing better to do than to wait for this one.
                if (probe.Outcome is ProbeOutcome.Silent or ProbeOutcome.Unaccepted && known.Health.Verdict == BackendVerdict.Down && !registry.Current.Selector.IsPanic)
                {
                    runtime.AbandonWaiting();
                }

                var wait = schedule.Next(known.Health, registry.Current, registry.Now.Uptime, Random.Shared.NextDouble());
                var pause = wait < MinInterval ? wait : MinInterval;
                await Task.Delay(pause, time, cancellationToken);
                await runtime.ProbeNow.WaitAsync(wait - pause, time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // One node's loop must not end before the node does.
                logger.ProbeBroke(failure, backend);
                await Task.Delay(MinInterval, time, CancellationToken.None);
            }
        }
    }
}
