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

/// <summary>When to probe next.</summary>
internal sealed class ProbeSchedule(Reloadable<HealthOptions> options)
{
    /// <summary>A node that has never been up: it waits for nothing but its first good probe.</summary>
    private static readonly TimeSpan StartingInterval = TimeSpan.FromSeconds(1);

    /// <summary>A node in transition, down or on its way out.</summary>
    private static readonly TimeSpan FastInterval = TimeSpan.FromSeconds(2);

    /// <summary>Nodes that are not up are probed no more often than this, all together, unless <c>HEALTH_INTERVAL</c> asks for more:
    /// a list with thousands of nodes that are not there must not cost a core.</summary>
    private const double MaxPerSecond = 500;

    /// <summary>A node that has been down, or degraded, for long will hardly be well in the next second: it is probed this often within
    /// the time that it has been so.</summary>
    private const int ProbesPerOutage = 30;

    /// <summary>Probes spread over time instead of hitting a node from all balancers at once.</summary>
    private const double Jitter = 0.1;

    /// <summary>Steady nodes whose probes are due within so long are probed at one moment: what costs most of a probe is waking up for it.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(250);

    /// <summary>The time until the next probe.</summary>
    /// <param name="health">After the last one.</param>
    /// <param name="snapshot">The nodes as they are.</param>
    /// <param name="uptime">Now, as <see cref="Moment.Uptime"/>.</param>
    /// <param name="random">Evenly from 0 to 1.</param>
    public TimeSpan Next(BackendHealth health, BackendSnapshot snapshot, TimeSpan uptime, double random)
    {
        const DrainReasons Leaving = DrainReasons.Node | DrainReasons.Absent;
        var isSteady = health is { Verdict: BackendVerdict.Up, Failures: 0, EjectedUntil: null } && (health.DrainReasons & Leaving) == 0;
        var usual = options.Value.Interval;
        var interval = isSteady ? usual
            : !health.HasBeenUp ? StartingInterval
            : FastInterval;
        if (!isSteady)
        {
            // One that passes its probes is about to return. While no node is up, each is waited for.
            var isGone = health is { Verdict: not BackendVerdict.Up, Successes: 0 } && !snapshot.Selector.IsPanic;
            interval = Max(interval, TimeSpan.FromSeconds(snapshot.NotUp / MaxPerSecond), isGone ? (uptime - health.Since.Uptime) / ProbesPerOutage : default);
        }
        else if (health.DegradedSince is { } degraded)
        {
            // Nodes often lack the same thing, so all of them may be.
            interval = Max(FastInterval, TimeSpan.FromSeconds(snapshot.Backends.Count / MaxPerSecond), (uptime - degraded.Uptime) / ProbesPerOutage);
        }

        var bounded = interval < usual ? interval : usual;
        var wait = bounded * (1 + Jitter * (2 * random - 1));
        return isSteady && bounded * Jitter > Together ? Aligned(uptime + wait, min: uptime + bounded * (1 - Jitter)) - uptime : wait;
    }

    private static TimeSpan Aligned(TimeSpan due, TimeSpan min)
    {
        var before = TimeSpan.FromTicks(due.Ticks - due.Ticks % Together.Ticks);
        return before >= min ? before : before + Together;
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan two, TimeSpan three) => one > two ? (one > three ? one : three) : two > three ? two : three;
}

/// <summary>Tells the registry what probes found. Those that end while it is busy with others are told together: a change of state
/// costs a copy of all nodes, and with thousands of them that come up or go down at once it would be one each.</summary>
internal sealed class Verdicts(BackendRegistry registry)
{
    private readonly Lock _collecting = new();
    private List<(Backend Backend, ProbeResult Probe)> _waiting = [];
    private TaskCompletionSource _told = NewSignal();
    private bool _isTelling;

    /// <summary>Ends when the registry knows.</summary>
    public Task GiveAsync(Backend backend, ProbeResult probe)
    {
        Task told;
        lock (_collecting)
        {
            _waiting.Add((backend, probe));
            told = _told.Task;
            if (_isTelling)
            {
                return told;
            }

            _isTelling = true;
        }

        while (Take() is var (verdicts, signal))
        {
            try
            {
                registry.Probed(verdicts);
                signal.SetResult();
            }
            catch (Exception failure)
            {
                signal.SetException(failure);
            }
        }

        return told;
    }

    private (IReadOnlyList<(Backend, ProbeResult)> Verdicts, TaskCompletionSource Signal)? Take()
    {
        lock (_collecting)
        {
            if (_waiting.Count == 0)
            {
                _isTelling = false;
                return null;
            }

            var taken = (_waiting, _told);
            (_waiting, _told) = ([], NewSignal());
            return taken;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
