using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>
/// Knows the nodes. Discovery, probes, requests and operators report to it; it is the only writer of the snapshot
/// that requests read without a lock.
/// </summary>
internal sealed class BackendRegistry(
    HashingOptions hashing,
    TimeProvider time,
    ILogger<BackendRegistry> logger,
    SelectionOptions? options = null,
    ChangeFeed? feed = null,
    RecentSlots? recent = null)
{
    private readonly Lock _writing = new();
    private readonly ChangeNotes _notes = new(feed, logger, time);
    private readonly SelectionOptions _options = options ?? SelectionOptions.Off;
    private volatile BackendSnapshot _current =
        new([], new Rendezvous([], hashing.Seed), SelectionOptions.Off, DateTimeOffset.UnixEpoch);

    /// <summary>The state of this moment.</summary>
    public BackendSnapshot Current => _current;

    /// <summary>Set when nodes came or went.</summary>
    public WakeSignal MembersChanged { get; } = new();

    /// <summary>Set when there is reason to look the nodes up again.</summary>
    public WakeSignal LookupNow { get; } = new();

    /// <summary>Takes over what discovery found. A node that is not in it drains while it works and is forgotten when it does not.</summary>
    public void SetMembers(IEnumerable<BackendEndpoint> found)
    {
        lock (_writing)
        {
            var endpoints = found.DistinctBy(endpoint => endpoint.Id).ToDictionary(endpoint => endpoint.Id);
            var members = new List<Backend>();
            foreach (var backend in _current.Backends)
            {
                if (endpoints.Remove(backend.Id, out var endpoint))
                {
                    backend.DiscoveredWeight = endpoint.Weight;
                    backend.Endpoint = endpoint with { Weight = backend.OperatorWeight ?? endpoint.Weight };
                    Replace(backend, backend.Health with { DrainReasons = backend.Health.DrainReasons & ~DrainReasons.Absent });
                    members.Add(backend);
                }
                else if (backend.Health.Verdict == BackendVerdict.Up)
                {
                    Replace(backend, backend.Health with { DrainReasons = backend.Health.DrainReasons | DrainReasons.Absent });
                    members.Add(backend);
                }
                else
                {
                    _notes.Left(backend);
                }
            }

            foreach (var endpoint in endpoints.Values)
            {
                var backend = new Backend(endpoint, new BackendHealth { Since = time.GetUtcNow() }, time);
                _notes.Joined(backend);
                members.Add(backend);
            }

            Publish([.. members]);
        }
    }

    /// <summary>Replaces a node's health by what <paramref name="change"/> makes of it.</summary>
    public void Change(Backend backend, Func<BackendHealth, BackendHealth> change)
    {
        lock (_writing)
        {
            if (!_current.Backends.Contains(backend))
            {
                return;
            }

            var before = backend.Health;
            Replace(backend, change(before));
            if (backend.Health is { Verdict: BackendVerdict.Down } health && health.DrainReasons.HasFlag(DrainReasons.Absent))
            {
                _notes.Left(backend);
                Publish([.. _current.Backends.Where(member => member != backend)]);
            }
            else if (before.State != backend.Health.State || before.Node != backend.Health.Node)
            {
                MarkTwins(_current.Backends);
                Swap([.. _current.Backends], _current.Ranking);
            }
        }
    }

    /// <summary>Gives a node another share of the clients, as long as the node is known; discovery does not undo it.</summary>
    /// <param name="backend">The node.</param>
    /// <param name="weight">Its weight; null for the one that discovery gives it.</param>
    public void SetWeight(Backend backend, double? weight)
    {
        lock (_writing)
        {
            if (!_current.Backends.Contains(backend))
            {
                return;
            }

            // Kept even when it is the present one: discovery may come to another.
            backend.OperatorWeight = weight;
            var before = backend.Endpoint.Weight;
            var after = weight ?? backend.DiscoveredWeight;
            if (before == after)
            {
                return;
            }

            backend.Endpoint = backend.Endpoint with { Weight = after };
            _notes.Weighted(backend, before);
            Publish([.. _current.Backends]);
        }
    }

    /// <summary>The node owes answers and gives none: that counts like a failed probe, and the next probe decides.</summary>
    public void Suspect(Backend backend, string reason)
    {
        Change(backend, health => health with { Failures = Math.Max(1, health.Failures), Successes = 0, Error = reason });
        backend.ProbeNow.Set();
    }

    /// <summary>The node loses requests although its probes may pass: it is out for a while, each time for longer.
    /// Never more than half of the nodes are out for this reason, for then the reason is not the nodes.</summary>
    public void Eject(Backend backend, string reason)
    {
        lock (_writing)
        {
            var members = _current.Backends;
            if (backend.Health.State != BackendState.Up
                || 2 * (members.Count(member => member.Health.EjectedUntil is not null) + 1) > members.Count)
            {
                return;
            }

            backend.Counters.ForgetLosses();
            Change(backend, health => EjectionRules.Eject(health, reason, time.GetUtcNow()));
        }
    }

    /// <summary>Takes the time into account: a node on its way back gets more of its clients.</summary>
    public void Refresh()
    {
        lock (_writing)
        {
            if (_current.IsChanging)
            {
                Swap([.. _current.Backends], _current.Ranking);
            }
        }
    }

    /// <summary>A connection to the node failed: its clients move on at once, and a probe finds out more.</summary>
    public void TakeOut(Backend backend, string error)
    {
        Change(backend, health => health with { Verdict = BackendVerdict.Down, Reachable = false, Error = error, Successes = 0 });
        backend.ProbeNow.Set();
        LookupNow.Set();
    }

    private void Replace(Backend backend, BackendHealth after)
    {
        var before = backend.Health;
        if (after.State != before.State)
        {
            var now = time.GetUtcNow();
            var comesBack = before.State == BackendState.Down && after.State == BackendState.Up && before.HasBeenUp;
            after = after with { Since = now, CameBack = comesBack ? now : after.CameBack };
        }

        backend.Health = after;
        if (after.State != before.State)
        {
            _notes.Changed(backend, before.State);
        }
    }

    private void MarkTwins(IReadOnlyList<Backend> members)
    {
        var twins = TwinRule.Find(members);
        foreach (var backend in members)
        {
            var others = backend.Health.DrainReasons & ~DrainReasons.Twin;
            var reasons = twins.Contains(backend) ? others | DrainReasons.Twin : others;
            if (reasons != backend.Health.DrainReasons)
            {
                Replace(backend, backend.Health with { DrainReasons = reasons });
            }
        }
    }

    private void Publish(Backend[] members)
    {
        MarkTwins(members);
        Array.Sort(members, (a, b) => string.CompareOrdinal(a.Id, b.Id));
        var nodes = Array.ConvertAll(members, member => new HashNode(member.Id, member.Endpoint.Weight));
        // The ranking is the one thing here that costs: it stays as long as ids and weights do.
        var before = _current.Ranking;
        var ranking = before.Nodes.SequenceEqual(nodes) ? before : new Rendezvous(nodes, hashing.Seed);
        Swap(members, ranking);
        if (ranking != before)
        {
            before.Retire();
        }

        MembersChanged.Set();
    }

    private void Swap(Backend[] members, Rendezvous ranking)
    {
        var before = _current;
        _current = new BackendSnapshot(members, ranking, _options, time.GetUtcNow(), recent);
        _notes.Publish(before, _current);
    }
}
