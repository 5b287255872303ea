using Kiro.Balancer.Selection;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Backends;

/// <summary>
/// Knows the nodes. Discovery, probes, requests and operators report to it with its verbs; it is the only writer of the
/// snapshot that requests read without a lock. What becomes of a node is for <see cref="BackendTransitions"/> to say.
/// A verb about a node that is forgotten changes nothing.
/// </summary>
internal sealed partial class BackendRegistry
{
    private readonly Lock _writing = new();
    private readonly HashingOptions _hashing;
    private readonly SelectionOptions _options;
    private readonly BackendTransitions _transitions;
    private readonly TimeProvider _time;
    private readonly ChangeNotes _notes;
    private readonly IStandingOrders? _orders;
    private readonly IBackendMemory? _memory;
    private readonly TenureBook _tenures = new();
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
        _notes = new ChangeNotes(feed, logger, time);
        _current = new BackendSnapshot([], new Selector([], new Rendezvous([], hashing.Seed), _options), _options, TimeSpan.Zero);
        Runtimes = new BackendRuntimes(time);
    }

    /// <summary>The state of this moment.</summary>
    public BackendSnapshot Current => _current;

    /// <summary>What runs for the nodes.</summary>
    public BackendRuntimes Runtimes { get; }

    /// <summary>Set when nodes came or went.</summary>
    public WakeSignal MembersChanged { get; } = new();

    /// <summary>Set when there is reason to look the nodes up again.</summary>
    public WakeSignal LookupNow { get; } = new();

    /// <summary>Now, by the clock that dates everything here.</summary>
    public Moment Now => new(_time.GetUtcNow(), _time.GetElapsedTime(_start));

    /// <summary>Takes over what discovery found. A node that is not in it drains while it works and is forgotten when it does not.</summary>
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
                    // Spoken to in another way it is another node, in the same place of the ranking.
                    _notes.Left(known);
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
                known = Enforced(_orders?.Joined(known) ?? known);
                _notes.Joined(known);
                members.Add(known);
            }

            Publish([.. members]);
        }
    }

    /// <summary>A probe of the node ended.</summary>
    public void Probed(Backend backend, ProbeResult probe) => Probed([(backend, probe)]);

    /// <summary>Probes of nodes ended: what comes of them is one change, however many they are.</summary>
    public void Probed(IReadOnlyList<(Backend Backend, ProbeResult Probe)> probes) =>
        Change([.. probes.Select(one => (one.Backend, new Func<BackendHealth, BackendHealth>(health => _transitions.Probed(health, one.Probe, Now))))]);

    /// <summary>A connection to the node was refused: its clients move on at once, and a probe finds out more.</summary>
    public void TakeOut(Backend backend, string error)
    {
        Change(backend, health => BackendTransitions.Refused(health, error));
        Runtimes.Of(backend).ProbeNow.Set();
        LookupNow.Set();
    }

    /// <summary>The node owes responses and gives none: that counts like a failed probe, and the next probe decides.</summary>
    public void Suspect(Backend backend, string reason)
    {
        Change(backend, health => BackendTransitions.Suspected(health, reason));
        var runtime = Runtimes.Of(backend);
        runtime.IsDoubted = true;
        runtime.ProbeNow.Set();
    }

    /// <summary>The node loses requests although its probes may pass: it is out for a while, each time for longer.
    /// Never more than half of the nodes are out for this reason, for then the reason is not the nodes.</summary>
    /// <returns>Whether it is ejected now.</returns>
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

    /// <summary>An operator takes the node out of use: it gets no new clients, and where sessions stay those it has end by
    /// themselves. Where they do not, this is <see cref="Evacuate"/>.</summary>
    /// <param name="backend">The node.</param>
    /// <param name="timeout">After which it is evacuated; null for never.</param>
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

    /// <summary>An operator takes the node out of use at once: it finishes what it has in hand.</summary>
    public void Evacuate(Backend backend) => Change(backend, health => BackendTransitions.Ordered(health, DrainReasons.Operator));

    /// <summary>An operator brings the node back into use, as far as operators had it drained.</summary>
    public void Resume(Backend backend) => Change(backend, health => BackendTransitions.Ordered(health, DrainReasons.None));

    /// <summary>An operator gives the node another share of the clients, as long as the node is known; discovery does not undo it.</summary>
    /// <param name="backend">The node.</param>
    /// <param name="weight">Its weight; null for the one that discovery gives it.</param>
    public void SetWeight(Backend backend, double? weight)
    {
        lock (_writing)
        {
            if (_current.Of(backend) is not { } before)
            {
                return;
            }

            // Kept even when it is the present one: discovery may come to another.
            var after = before with { OperatorWeight = weight };
            if (before.Weight == after.Weight)
            {
                _current.Note(after);
                return;
            }

            _notes.Weighted(after, before.Weight);
            Publish([.. _current.Backends.Select(member => member.Backend == backend ? after : member)]);
        }
    }

    /// <summary>The tenures of nodes, known here or not; see <see cref="TenureBook"/>.</summary>
    /// <param name="ids">The nodes.</param>
    /// <param name="selector">Knows those that keep sessions now.</param>
    public Tenure[] TenuresOf(IReadOnlyList<string> ids, out Selector selector)
    {
        lock (_writing)
        {
            selector = _current.Selector;
            return _tenures.Of(ids, Now.Uptime, 2 * _options.SessionIdle);
        }
    }

    /// <summary>Takes the time into account: a node on its way back gets more of its clients, and a drain for sessions may be over.</summary>
    public void Refresh()
    {
        lock (_writing)
        {
            foreach (var known in _current.Backends.Where(known => known.Health.SessionsUntil is not null))
            {
                Change(known.Backend, health => BackendTransitions.Aged(health, Now));
            }

            if (_current.Selector.IsChanging)
            {
                Select([.. _current.Backends], _current.Selector.Ranking);
            }
        }
    }
}

/// <summary>Moves on what time alone changes, a step a second: slow starts, and drains that end.</summary>
internal sealed class RegistryClock(BackendRegistry registry, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Step, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                registry.Refresh();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The balancer stops.
        }
    }
}
