namespace Kiro.Balancer.Backends;

/// <content>What becomes of nodes that something happened to.</content>
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
}
