using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

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
