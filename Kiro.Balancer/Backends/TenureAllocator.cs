using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>Assigns tenures to the backends that keep sessions. A backend that keeps none yet can have a tenure reserved, so that
/// sessions received from other balancers are valid as soon as it does. For the registry only, under its lock.</summary>
internal sealed class TenureAllocator
{
    /// <summary>Backends that keep no sessions here but do at peers, known to this balancer or not.</summary>
    public const int MaxReservations = 4096;

    private readonly Dictionary<Backend, Tenure> _assigned = [];
    private readonly Dictionary<string, (Tenure Tenure, TimeSpan Used)> _reserved = [];
    private readonly List<ushort> _generations = [];
    private readonly SortedSet<int> _free = [];

    /// <summary>The same backends with their current tenures.</summary>
    public KnownBackend[] Assign(KnownBackend[] members)
    {
        var keeping = members.Where(member => member.Health.KeepsSessions).Select(member => member.Backend).ToHashSet();
        foreach (var (backend, tenure) in _assigned.Where(assigned => !keeping.Contains(assigned.Key)).ToList())
        {
            _assigned.Remove(backend);
            _free.Add(tenure.Index);
        }

        return Array.ConvertAll(members, member => member with
        {
            Tenure = keeping.Contains(member.Backend) ? Of(member.Backend) : Tenure.None,
        });
    }

    /// <summary>The tenures of backends, assigned or reserved.</summary>
    /// <param name="ids">Of backends known here or not.</param>
    /// <param name="now">The current time, as <see cref="Moment.Uptime"/>.</param>
    /// <param name="keptFor">How long a reservation lasts after its last use.</param>
    /// <returns>None for a backend for which there is no room.</returns>
    public Tenure[] Of(IReadOnlyList<string> ids, TimeSpan now, TimeSpan keptFor)
    {
        var assigned = _assigned.ToDictionary(one => one.Key.Id, one => one.Value);
        return [.. ids.Select(id => assigned.TryGetValue(id, out var tenure) ? tenure : Reserve(id, now, keptFor))];
    }

    private Tenure Reserve(string id, TimeSpan now, TimeSpan keptFor)
    {
        if (!_reserved.TryGetValue(id, out var reservation))
        {
            foreach (var (other, old) in _reserved.Where(one => now - one.Value.Used > keptFor).ToList())
            {
                _reserved.Remove(other);
                _free.Add(old.Tenure.Index);
            }

            reservation.Tenure = _reserved.Count < MaxReservations ? Next() : Tenure.None;
        }

        if (reservation.Tenure != Tenure.None)
        {
            _reserved[id] = reservation with { Used = now };
        }

        return reservation.Tenure;
    }

    private Tenure Of(Backend backend)
    {
        if (!_assigned.TryGetValue(backend, out var tenure) && (tenure = TakeReserved(backend.Id)) != Tenure.None)
        {
            _assigned[backend] = tenure;
        }

        return tenure;
    }

    private Tenure TakeReserved(string id) => _reserved.Remove(id, out var reservation) ? reservation.Tenure : Next();

    // The smallest free index, so that lookup tables stay as small as the number of backends.
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
