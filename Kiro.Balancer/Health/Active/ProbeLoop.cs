using System.Diagnostics.CodeAnalysis;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Logging;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Health.Active;

/// <summary>Probes each backend in a loop of its own, so that a slow one does not delay the others.</summary>
internal sealed class ProbeLoop(
    BackendRegistry registry, Prober prober, ProbeSchedule schedule, Reloadable<HealthOptions> options, TimeProvider time, ILogger<ProbeLoop> logger) : BackgroundService
{
    /// <summary>Concurrent probes of backends that are not up: thousands of missing ones must not use up the descriptors. Backends that
    /// are up do not count.</summary>
    public const int MaxConcurrent = 256;

    [SuppressMessage("Usage", "CA2213:Disposable fields should be disposed", Justification = "Has no wait handle to dispose of, and late probes still release it.")]
    private readonly SemaphoreSlim _slots = new(MaxConcurrent);
    private readonly ProbeReporter _reporter = new(registry);

    /// <summary>The minimum time between probes of a backend, however many requests fail.</summary>
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
            // Shutdown, also of the loops.
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

    private async Task<(ProbeResult Probe, long Began)> ProbeLimitedAsync(Backend backend, CancellationToken cancellationToken)
    {
        var isLimited = registry.Current.Of(backend) is not { State: BackendState.Up };
        if (isLimited)
        {
            await _slots.WaitAsync(cancellationToken);
        }

        try
        {
            var began = time.GetTimestamp();
            return (await prober.ProbeAsync(backend, cancellationToken), began);
        }
        finally
        {
            if (isLimited)
            {
                _slots.Release();
            }
        }
    }

    // After a change of the settings, rather than at the end of the old interval.
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
                var (found, began) = await ProbeLimitedAsync(backend, cancellationToken);
                var probe = busy.Judge(found, began, registry.Current.Of(backend)?.Health.IsConcurrent == true);
                runtime.IsSuspect = probe.Outcome is not (ProbeOutcome.Passed or ProbeOutcome.Draining or ProbeOutcome.Unknown);
                await _reporter.ReportAsync(backend, probe);
                if (registry.Current.Of(backend) is not { } known)
                {
                    return;
                }

                // Unless no backend is up: there is then nowhere else to go.
                if (probe.Outcome is ProbeOutcome.TimedOut or ProbeOutcome.ConnectTimedOut && known.Health.Verdict == BackendVerdict.Down && !registry.Current.Selector.IsPanic)
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
                // The loop has to last as long as the backend.
                logger.ProbeBroke(failure, backend);
                await Task.Delay(MinInterval, time, CancellationToken.None);
            }
        }
    }
}
