using Kiro.Balancer.Selection;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

/// <summary>
/// The known backends. Discovery, probes, requests and operators report events to it; it is the only writer of the snapshot that
/// requests read without a lock. <see cref="BackendTransitions"/> defines what an event does to a backend. Events for a removed backend
/// are ignored.
/// </summary>
internal sealed partial class BackendRegistry
{
    private readonly Lock _writing = new();
    private readonly HashingOptions _hashing;
    private readonly SelectionOptions _options;
    private readonly BackendTransitions _transitions;
    private readonly TimeProvider _time;
    private readonly ChangeLog _changes;
    private readonly IStandingOrders? _orders;
    private readonly IBackendMemory? _memory;
    private readonly TenureAllocator _tenures = new();
    private readonly long _start;
    private volatile BackendSnapshot _current;

    public BackendRegistry(
        HashingOptions hashing, TimeProvider time, ILogger<BackendRegistry> logger,
        SelectionOptions? options = null, Reloadable<ProbeThresholds>? thresholds = null, ChangeFeed? feed = null,
        IStandingOrders? orders = null, IBackendMemory? memory = null)
    {
        (_hashing, _time, _start, _orders, _memory) = (hashing, time, time.GetTimestamp(), orders, memory);
        _options = options ?? SelectionOptions.Off;
        _transitions = new BackendTransitions(thresholds ?? ProbeThresholds.Default);
        _changes = new ChangeLog(feed, logger, time);
        _current = new BackendSnapshot([], new Selector([], new Rendezvous([], hashing.Seed), _options), _options, TimeSpan.Zero);
        Runtimes = new BackendRuntimes(time);
    }

    public BackendSnapshot Current => _current;

    public BackendRuntimes Runtimes { get; }

    /// <summary>Set when backends are added or removed.</summary>
    public WakeSignal MembersChanged { get; } = new();

    /// <summary>Requests a discovery lookup without waiting for the interval.</summary>
    public WakeSignal LookupNow { get; } = new();

    /// <summary>The current time, by the clock used for everything here.</summary>
    public Moment Now => new(_time.GetUtcNow(), _time.GetElapsedTime(_start));

    /// <summary>Applies a discovery result. A backend that is not in it drains while it is up, and is removed otherwise.</summary>
    public void SetMembers(IEnumerable<BackendEndpoint> found)
    {
        lock (_writing)
        {
            var endpoints = found.DistinctBy(endpoint => endpoint.Id).ToDictionary(endpoint => endpoint.Id);
            var members = new List<KnownBackend>();
            foreach (var known in _current.Backends)
            {
                if (endpoints.TryGetValue(known.Id, out var endpoint) && endpoint.IsTls != known.Backend.IsTls)
                {
                    // A switch to or from TLS makes it a new backend with the same rank.
                    _changes.Left(known);
                }
                else if (endpoints.Remove(known.Id, out endpoint))
                {
                    members.Add(Enter(known with { DiscoveredWeight = endpoint.Weight }, BackendTransitions.Drained(known.Health, DrainReasons.Absent, isWanted: false)));
                }
                else if (known.Health.Verdict == BackendVerdict.Up)
                {
                    members.Add(Enter(known, BackendTransitions.Drained(known.Health, DrainReasons.Absent, isWanted: true)));
                }
                else
                {
                    Forget(known);
                }
            }

            foreach (var endpoint in endpoints.Values)
            {
                var fresh = new BackendHealth { Since = Now };
                var known = new KnownBackend(new Backend(endpoint.Host, endpoint.Port, endpoint.IsTls), _memory?.Recall(endpoint.Id, fresh, Now) ?? fresh) { DiscoveredWeight = endpoint.Weight };
                known = WithoutSessionDrain(_orders?.Joined(known) ?? known);
                _changes.Joined(known);
                members.Add(known);
            }

            Publish([.. members]);
        }
    }

    /// <summary>A probe has ended.</summary>
    public void Probed(Backend backend, ProbeResult probe) => Probed([(backend, probe)]);

    /// <summary>Several probes have ended; applied as a single change.</summary>
    public void Probed(IReadOnlyList<(Backend Backend, ProbeResult Probe)> probes) =>
        Change([.. probes.Select(one => (one.Backend, new Func<BackendHealth, BackendHealth>(health => _transitions.Probed(health, one.Probe, Now))))]);

    /// <summary>A connection was refused: takes the backend out immediately, and probes it.</summary>
    public void MarkDown(Backend backend, string error)
    {
        Change(backend, health => BackendTransitions.Refused(health, error));
        Runtimes.Of(backend).ProbeNow.Set();
        LookupNow.Set();
    }

    /// <summary>Requests get no response: counts as a failed probe, and the next probe decides.</summary>
    public void Suspect(Backend backend, string reason)
    {
        Change(backend, health => BackendTransitions.Suspected(health, reason));
        var runtime = Runtimes.Of(backend);
        runtime.IsSuspect = true;
        runtime.ProbeNow.Set();
    }

    /// <summary>The backend loses requests although its probes may pass: takes it out for a while, longer each time. At most half of the
    /// backends can be ejected: beyond that, the cause is likely elsewhere.</summary>
    /// <returns>Whether it was ejected.</returns>
    public bool Eject(Backend backend, string reason)
    {
        lock (_writing)
        {
            var members = _current.Backends;
            if (_current.Of(backend) is not { Health.KeepsSessions: true }
                || 2 * (members.Count(member => member.Health.EjectedUntil is not null) + 1) > members.Count)
            {
                return false;
            }

            Change(backend, health => BackendTransitions.Ejected(health, reason, Now));
            return true;
        }
    }

    /// <summary>An operator drains the backend: it gets no new clients, and existing sessions can end. Without session affinity
    /// the same as <see cref="Evacuate"/>.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="timeout">How long sessions may last; null for no limit.</param>
    public void Drain(Backend backend, TimeSpan? timeout = null)
    {
        if (_options.KeepsSessions)
        {
            Change(backend, health => BackendTransitions.Ordered(health, DrainReasons.Sessions, Now.Uptime + timeout));
        }
        else
        {
            Evacuate(backend);
        }
    }

    /// <summary>An operator drains the backend without regard to sessions: only requests in flight finish.</summary>
    public void Evacuate(Backend backend) => Change(backend, health => BackendTransitions.Ordered(health, DrainReasons.Operator));

    /// <summary>An operator ends the drain.</summary>
    public void Resume(Backend backend) => Change(backend, health => BackendTransitions.Ordered(health, DrainReasons.None));

    /// <summary>An operator overrides the weight, until the backend is removed.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="weight">Null for the weight from discovery.</param>
    public void SetWeight(Backend backend, double? weight)
    {
        lock (_writing)
        {
            if (_current.Of(backend) is not { } before)
            {
                return;
            }

            // Kept even if equal to the current weight: discovery may change that.
            var after = before with { OperatorWeight = weight };
            if (before.Weight == after.Weight)
            {
                _current.Update(after);
                return;
            }

            _changes.Weighted(after, before.Weight);
            Publish([.. _current.Backends.Select(member => member.Backend == backend ? after : member)]);
        }
    }

    /// <summary>The tenures of backends, known here or not; see <see cref="TenureAllocator"/>.</summary>
    /// <param name="ids">Their ids.</param>
    /// <param name="selector">The current one.</param>
    public Tenure[] TenuresOf(IReadOnlyList<string> ids, out Selector selector)
    {
        lock (_writing)
        {
            selector = _current.Selector;
            return _tenures.Of(ids, Now.Uptime, 2 * _options.SessionIdle);
        }
    }

    /// <summary>Applies what time alone changes: the progress of slow starts, and drain timeouts.</summary>
    public void Refresh()
    {
        lock (_writing)
        {
            foreach (var known in _current.Backends.Where(known => known.Health.SessionsUntil is not null))
            {
                Change(known.Backend, health => BackendTransitions.DrainExpired(health, Now));
            }

            if (_current.Selector.IsInSlowStart)
            {
                Select([.. _current.Backends], _current.Selector.Ranking);
            }
        }
    }
}

/// <summary>Refreshes the registry every second, for slow starts and drain timeouts.</summary>
internal sealed class RegistryTimer(BackendRegistry registry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                registry.Refresh();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Shutdown.
        }
    }
}
