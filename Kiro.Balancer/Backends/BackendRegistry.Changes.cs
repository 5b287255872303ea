using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <content>From what a verb changes to the snapshot that requests read.</content>
internal sealed partial class BackendRegistry
{
    private void Change(Backend backend, Func<BackendHealth, BackendHealth> transition) => Change([(backend, transition)]);

    // Most of what probes tell changes no choice (a latency, the time of the check): of a thousand nodes that are down and
    // probed again and again, nothing is copied.
    private void Change(IReadOnlyList<(Backend Backend, Func<BackendHealth, BackendHealth> Transition)> changes)
    {
        lock (_writing)
        {
            KnownBackend[]? members = null;
            HashSet<Backend>? gone = null;
            foreach (var (backend, transition) in changes)
            {
                var place = _current.PlaceOf(backend);
                if (place < 0 || gone?.Contains(backend) == true)
                {
                    continue;
                }

                var before = members?[place] ?? _current.Backends[place];
                var after = Enter(before, transition(before.Health));
                if (after.Health is { Verdict: BackendVerdict.Down } health && health.DrainReasons.HasFlag(DrainReasons.Absent))
                {
                    (gone ??= []).Add(backend);
                    Forget(after);
                }
                else if (members is not null || IsChosenOtherwise(before, after))
                {
                    members ??= [.. _current.Backends];
                    members[place] = after;
                }
                else if (before != after)
                {
                    _current.Note(after);
                }
            }

            if (gone is not null)
            {
                Publish([.. (members ?? _current.Backends).Where(member => !gone.Contains(member.Backend))]);
            }
            else if (members is not null)
            {
                Select(MarkTwins(members), _current.Selector.Ranking);
            }
        }
    }

    private static bool IsChosenOtherwise(KnownBackend before, KnownBackend after) =>
        before.State != after.State || before.Health.KeepsSessions != after.Health.KeepsSessions || before.Health.Node != after.Health.Node;

    // Where sessions do not stay there is nothing to wait for.
    private KnownBackend Enforced(KnownBackend ordered) => ordered.Health.DrainReasons.HasFlag(DrainReasons.Sessions) && !_options.KeepsSessions
        ? ordered with { Health = BackendTransitions.Ordered(ordered.Health, DrainReasons.Operator) }
        : ordered;

    private void Forget(KnownBackend known)
    {
        _orders?.Left(known.Id);
        _notes.Left(known);
    }

    private KnownBackend Enter(KnownBackend before, BackendHealth health)
    {
        var after = before with { Health = BackendTransitions.Dated(before.Health, health, Now) };
        if (BackendTransitions.IsAnother(before.Health, after.Health))
        {
            _notes.Changed(after, before.State);
        }
        else if (after.State == BackendState.Up && before.Health.Degradation is null != after.Health.Degradation is null)
        {
            _notes.Degraded(after);
        }

        return after;
    }

    private KnownBackend[] MarkTwins(KnownBackend[] members)
    {
        var twins = TwinRule.Find(members);
        return Array.ConvertAll(members, member =>
            BackendTransitions.Drained(member.Health, DrainReasons.Twin, isWanted: twins.Contains(member.Backend)) is var health && ReferenceEquals(health, member.Health)
                ? member : Enter(member, health));
    }

    private void Publish(KnownBackend[] members)
    {
        members = MarkTwins(members);
        Array.Sort(members, (a, b) => string.CompareOrdinal(a.Id, b.Id));
        // The ranking is the one thing here that costs: it stays as long as ids and weights do.
        var before = _current.Selector.Ranking;
        var nodes = Candidates(members, TimeSpan.Zero);
        var ranking = before.Nodes.SequenceEqual(nodes.Select(node => (node.Id, node.Weight))) ? before : new Rendezvous(nodes, _hashing.Seed, before: before);
        Select(members, ranking);
        if (ranking != before)
        {
            before.Retire();
        }

        MembersChanged.Set();
    }

    private void Select(KnownBackend[] members, Rendezvous ranking)
    {
        var now = Now.Uptime;
        members = _options.KeepsSessions ? _tenures.Assign(members) : members;
        Swap(new BackendSnapshot(members, new Selector(Candidates(members, now), ranking, _options), _options, now));
    }

    private void Swap(BackendSnapshot after)
    {
        var before = _current;
        _current = after;
        _notes.Publish(before, after);
    }

    private static Candidate[] Candidates(KnownBackend[] members, TimeSpan uptime) =>
        Array.ConvertAll(members, member => member.AsCandidate(uptime));
}

/// <summary>
/// One host with an IPv4 and an IPv6 address is one node, although DNS names both. They are known by the name that the node
/// gives itself; as long as the IPv4 address works and discovery names it, the other one is left alone.
/// </summary>
internal static class TwinRule
{
    /// <summary>The IPv6 addresses of nodes that are up by their IPv4 address.</summary>
    public static HashSet<Backend> Find(IEnumerable<KnownBackend> members) => [.. members
        .Where(member => member.Health.Node is not null && member.Health.Verdict == BackendVerdict.Up)
        .GroupBy(member => (member.Health.Node, member.Backend.Port))
        // Exactly one of each: nodes that all give the same name are not one node.
        .Where(group => group.Count(IsIPv4) == 1 && !group.Single(IsIPv4).Health.DrainReasons.HasFlag(DrainReasons.Absent) && group.Count(IsIPv6) == 1)
        .Select(group => group.Single(IsIPv6).Backend)];

    private static bool IsIPv4(KnownBackend backend) => FamilyOf(backend) == AddressFamily.InterNetwork;

    private static bool IsIPv6(KnownBackend backend) => FamilyOf(backend) == AddressFamily.InterNetworkV6;

    private static AddressFamily? FamilyOf(KnownBackend backend) =>
        IPAddress.TryParse(backend.Backend.Host, out var address) ? address.AddressFamily : null;
}

/// <summary>Gives tenures to the nodes that keep sessions, and takes them back. One that keeps none can be promised the tenure that
/// it will have: what other balancers tell of its sessions counts from its first moment on. For the registry alone, under its lock.</summary>
internal sealed class TenureBook
{
    /// <summary>Nodes that keep no sessions here but do elsewhere, known to this balancer or not.</summary>
    public const int MaxPromises = 4096;

    private readonly Dictionary<Backend, Tenure> _given = [];
    private readonly Dictionary<string, (Tenure Tenure, TimeSpan Made)> _promised = [];
    private readonly List<ushort> _generations = [];
    private readonly SortedSet<int> _free = [];

    /// <summary>The same nodes, each with the tenure that it has now.</summary>
    public KnownBackend[] Assign(KnownBackend[] members)
    {
        var keeping = members.Where(member => member.Health.KeepsSessions).Select(member => member.Backend).ToHashSet();
        foreach (var (backend, tenure) in _given.Where(given => !keeping.Contains(given.Key)).ToList())
        {
            _given.Remove(backend);
            _free.Add(tenure.Index);
        }

        return Array.ConvertAll(members, member => member with
        {
            Tenure = keeping.Contains(member.Backend) ? Of(member.Backend) : Tenure.None,
        });
    }

    /// <summary>The tenures of nodes, those that they will have when they next keep sessions included.</summary>
    /// <param name="ids">Of nodes that are known here or not.</param>
    /// <param name="now">Now, as <see cref="Moment.Uptime"/>.</param>
    /// <param name="keptFor">A promise that nobody has asked about for as long is none any more.</param>
    /// <returns>None for a node to which too many others have been promised one.</returns>
    public Tenure[] Of(IReadOnlyList<string> ids, TimeSpan now, TimeSpan keptFor)
    {
        var given = _given.ToDictionary(one => one.Key.Id, one => one.Value);
        return [.. ids.Select(id => given.TryGetValue(id, out var tenure) ? tenure : Promise(id, now, keptFor))];
    }

    private Tenure Promise(string id, TimeSpan now, TimeSpan keptFor)
    {
        if (!_promised.TryGetValue(id, out var promise))
        {
            foreach (var (other, old) in _promised.Where(one => now - one.Value.Made > keptFor).ToList())
            {
                _promised.Remove(other);
                _free.Add(old.Tenure.Index);
            }

            promise.Tenure = _promised.Count < MaxPromises ? Next() : Tenure.None;
        }

        if (promise.Tenure != Tenure.None)
        {
            _promised[id] = promise with { Made = now };
        }

        return promise.Tenure;
    }

    private Tenure Of(Backend backend)
    {
        if (!_given.TryGetValue(backend, out var tenure) && (tenure = Promised(backend.Id)) != Tenure.None)
        {
            _given[backend] = tenure;
        }

        return tenure;
    }

    private Tenure Promised(string id) => _promised.Remove(id, out var promise) ? promise.Tenure : Next();

    // The smallest index that is free, so that they stay as few as there are nodes.
    private Tenure Next()
    {
        if (_free.Count == 0)
        {
            if (_generations.Count == Tenure.MaxIndexes)
            {
                return Tenure.None;
            }

            _free.Add(_generations.Count);
            _generations.Add(0);
        }

        var index = _free.Min;
        _free.Remove(index);
        _generations[index] = _generations[index] == ushort.MaxValue ? (ushort)1 : (ushort)(_generations[index] + 1);
        return Tenure.Of(index, _generations[index]);
    }
}
