using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>Gives tenures to the nodes that keep sessions, and takes them back. For the registry alone, under its lock.</summary>
internal sealed class TenureBook
{
    private readonly Dictionary<Backend, Tenure> _given = [];
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

    private Tenure Of(Backend backend)
    {
        if (!_given.TryGetValue(backend, out var tenure) && (tenure = Next()) != Tenure.None)
        {
            _given[backend] = tenure;
        }

        return tenure;
    }

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
