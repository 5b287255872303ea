using System.Net;
using System.Net.Sockets;
using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <content>Applies changes and publishes snapshots.</content>
internal sealed partial class BackendRegistry
{
    private void Change(Backend backend, Func<BackendHealth, BackendHealth> transition) => Change([(backend, transition)]);

    // Most probe results affect no choice (a latency, the time of the check). Nothing is copied for them: with a thousand backends that
    // are down, they come all the time.
    private void Change(IReadOnlyList<(Backend Backend, Func<BackendHealth, BackendHealth> Transition)> changes)
    {
        lock (_writing)
        {
            KnownBackend[]? members = null;
            HashSet<Backend>? gone = null;
            foreach (var (backend, transition) in changes)
            {
                var index = _current.IndexOf(backend);
                if (index < 0 || gone?.Contains(backend) == true)
                {
                    continue;
                }

                var before = members?[index] ?? _current.Backends[index];
                var after = Enter(before, transition(before.Health));
                if (after.Health is { Verdict: BackendVerdict.Down } health && health.DrainReasons.HasFlag(DrainReasons.Absent))
                {
                    (gone ??= []).Add(backend);
                    Forget(after);
                }
                else if (members is not null || AffectsSelection(before, after))
                {
                    members ??= [.. _current.Backends];
                    members[index] = after;
                }
                else if (before != after)
                {
                    _current.Update(after);
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

    private static bool AffectsSelection(KnownBackend before, KnownBackend after) =>
        before.State != after.State || before.Health.KeepsSessions != after.Health.KeepsSessions || before.Health.Node != after.Health.Node;

    // Without session affinity there are no sessions to wait for.
    private KnownBackend WithoutSessionDrain(KnownBackend ordered) => ordered.Health.DrainReasons.HasFlag(DrainReasons.Sessions) && !_options.KeepsSessions
        ? ordered with { Health = BackendTransitions.Ordered(ordered.Health, DrainReasons.Operator) }
        : ordered;

    private void Forget(KnownBackend known)
    {
        _orders?.Left(known.Id);
        _changes.Left(known);
    }

    private KnownBackend Enter(KnownBackend before, BackendHealth health)
    {
        var after = before with { Health = BackendTransitions.WithTimes(before.Health, health, Now) };
        if (BackendTransitions.IsStateChange(before.Health, after.Health))
        {
            _changes.Changed(after, before.State);
        }
        else if (after.State == BackendState.Up && before.Health.Degradation is null != after.Health.Degradation is null)
        {
            _changes.Degraded(after);
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
        // The ranking is expensive: it is kept while ids and weights are the same.
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
        _changes.Publish(before, after);
    }

    private static Candidate[] Candidates(KnownBackend[] members, TimeSpan uptime) =>
        Array.ConvertAll(members, member => member.AsCandidate(uptime));
}

/// <summary>
/// A dual-stack host is one backend, although DNS returns two addresses for it. They are matched by the name in the health response;
/// as long as the IPv4 address works and is discovered, the IPv6 one is not used.
/// </summary>
internal static class TwinRule
{
    /// <summary>The IPv6 addresses of backends that are up at their IPv4 address.</summary>
    public static HashSet<Backend> Find(IEnumerable<KnownBackend> members) => [.. members
        .Where(member => member.Health.Node is not null && member.Health.Verdict == BackendVerdict.Up)
        .GroupBy(member => (member.Health.Node, member.Backend.Port))
        // Exactly one of each: backends that all report the same name are not one host.
        .Where(group => group.Count(IsIPv4) == 1 && !group.Single(IsIPv4).Health.DrainReasons.HasFlag(DrainReasons.Absent) && group.Count(IsIPv6) == 1)
        .Select(group => group.Single(IsIPv6).Backend)];

    private static bool IsIPv4(KnownBackend backend) => FamilyOf(backend) == AddressFamily.InterNetwork;

    private static bool IsIPv6(KnownBackend backend) => FamilyOf(backend) == AddressFamily.InterNetworkV6;

    private static AddressFamily? FamilyOf(KnownBackend backend) =>
        IPAddress.TryParse(backend.Backend.Host, out var address) ? address.AddressFamily : null;
}
