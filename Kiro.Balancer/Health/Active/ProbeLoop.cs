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

/// <summary>Decides when to probe next.</summary>
internal sealed class ProbeSchedule(Reloadable<HealthOptions> options)
{
    /// <summary>For backends that have never been up and wait for their first passed probe.</summary>
    private static readonly TimeSpan StartingInterval = TimeSpan.FromSeconds(1);

    /// <summary>For backends that are down, changing state or leaving.</summary>
    private static readonly TimeSpan FastInterval = TimeSpan.FromSeconds(2);

    /// <summary>The rate of probes of all backends that are not up, unless <c>HEALTH_INTERVAL</c> asks for more: thousands of missing
    /// backends must not cost a core.</summary>
    private const double MaxPerSecond = 500;

    /// <summary>Backoff: a backend that is down or degraded is probed this often within the time that it has been so.</summary>
    private const int ProbesPerOutage = 30;

    /// <summary>Keeps balancers from probing a backend all at the same time.</summary>
    private const double Jitter = 0.1;

    /// <summary>Coalesces the probes of healthy backends that are due within this time: most of a probe's cost is the wakeup.</summary>
    private static readonly TimeSpan Coalescing = TimeSpan.FromMilliseconds(250);

    /// <summary>The time until the next probe.</summary>
    /// <param name="health">After the last probe.</param>
    /// <param name="snapshot">The current backends.</param>
    /// <param name="uptime">The current time, as <see cref="Moment.Uptime"/>.</param>
    /// <param name="random">Uniformly distributed from 0 to 1.</param>
    public TimeSpan Next(BackendHealth health, BackendSnapshot snapshot, TimeSpan uptime, double random)
    {
        const DrainReasons Leaving = DrainReasons.Node | DrainReasons.Absent;
        var isSteady = health is { Verdict: BackendVerdict.Up, Failures: 0, EjectedUntil: null } && (health.DrainReasons & Leaving) == 0;
        var regular = options.Value.Interval;
        var interval = isSteady ? regular
            : !health.HasBeenUp ? StartingInterval
            : FastInterval;
        if (!isSteady)
        {
            // No backoff for one that passes its probes, or while no backend is up.
            var isGone = health is { Verdict: not BackendVerdict.Up, Successes: 0 } && !snapshot.Selector.IsPanic;
            interval = Max(interval, TimeSpan.FromSeconds(snapshot.NotUp / MaxPerSecond), isGone ? (uptime - health.Since.Uptime) / ProbesPerOutage : default);
        }
        else if (health.DegradedSince is { } degraded)
        {
            // Backends often share a dependency, so all of them may be degraded.
            interval = Max(FastInterval, TimeSpan.FromSeconds(snapshot.Backends.Count / MaxPerSecond), (uptime - degraded.Uptime) / ProbesPerOutage);
        }

        var bounded = interval < regular ? interval : regular;
        var wait = bounded * (1 + Jitter * (2 * random - 1));
        return isSteady && bounded * Jitter > Coalescing ? Aligned(uptime + wait, min: uptime + bounded * (1 - Jitter)) - uptime : wait;
    }

    private static TimeSpan Aligned(TimeSpan due, TimeSpan min)
    {
        var before = TimeSpan.FromTicks(due.Ticks - due.Ticks % Coalescing.Ticks);
        return before >= min ? before : before + Coalescing;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan two, TimeSpan three) => one > two ? (one > three ? one : three) : two > three ? two : three;
}

/// <summary>Reports probe results to the registry. Results that arrive while it is busy are batched: a state change copies all backends,
/// which would add up if thousands come up or go down at once.</summary>
internal sealed class ProbeReporter(BackendRegistry registry)
{
    private readonly Lock _collecting = new();
    private List<(Backend Backend, ProbeResult Probe)> _waiting = [];
    private TaskCompletionSource _reported = NewSignal();
    private bool _isReporting;

    /// <summary>Completes when the registry has the result.</summary>
    public Task ReportAsync(Backend backend, ProbeResult probe)
    {
        Task reported;
        lock (_collecting)
        {
            _waiting.Add((backend, probe));
            reported = _reported.Task;
            if (_isReporting)
            {
                return reported;
            }

            _isReporting = true;
        }

        while (Take() is var (probes, signal))
        {
            try
            {
                registry.Probed(probes);
                signal.SetResult();
            }
            catch (Exception failure)
            {
                signal.SetException(failure);
            }
        }

        return reported;
    }

    private (IReadOnlyList<(Backend, ProbeResult)> Probes, TaskCompletionSource Signal)? Take()
    {
        lock (_collecting)
        {
            if (_waiting.Count == 0)
            {
                _isReporting = false;
                return null;
            }

            var taken = (_waiting, _reported);
            (_waiting, _reported) = ([], NewSignal());
            return taken;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
