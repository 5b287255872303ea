using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>All that a request needs to choose its backend. Immutable, except for the details that <see cref="Update"/> replaces.</summary>
internal sealed class BackendSnapshot
{
    private readonly KnownBackend[] _backends;

    /// <param name="backends">All known backends, sorted by id.</param>
    /// <param name="selector">Over the same backends, in the same order.</param>
    /// <param name="options">The selector's options.</param>
    /// <param name="selectedAt">When the selector was made, as <see cref="Moment.Uptime"/>.</param>
    public BackendSnapshot(KnownBackend[] backends, Selector selector, SelectionOptions options, TimeSpan selectedAt) =>
        (_backends, Selector, Options, SelectedAt, NotUp) =
        (backends, selector, options, selectedAt, backends.Count(known => known.State != BackendState.Up));

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<KnownBackend> Backends => _backends;

    public Selector Selector { get; }

    public SelectionOptions Options { get; }

    /// <summary>When the selector was made, for a slow start.</summary>
    public TimeSpan SelectedAt { get; }

    /// <summary>The number of backends that are not up.</summary>
    public int NotUp { get; }

    /// <summary>The backend that serves a slot, regardless of load; null if none is known.</summary>
    /// <param name="slot">The clients' slot.</param>
    /// <param name="holders">Null without session affinity.</param>
    public KnownBackend? Choose(int slot, ISlotHolders? holders = null)
    {
        var held = holders is null ? -1 : Selector.IndexOf(holders.HolderOf(slot));
        return (held >= 0 ? held : Selector.First(slot)) is >= 0 and var index ? _backends[index] : null;
    }

    /// <summary>The state of a backend; null if it has been removed.</summary>
    public KnownBackend? Of(Backend backend) => IndexOf(backend) is >= 0 and var index ? _backends[index] : null;

    /// <summary>The index of a backend; -1 if it has been removed.</summary>
    public int IndexOf(Backend backend)
    {
        var (low, high) = (0, _backends.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_backends[middle].Id, backend.Id);
            if (order == 0)
            {
                return _backends[middle].Backend == backend ? middle : -1;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    /// <summary>Replaces the state of a backend when that affects no choice, such as the time of its last probe. For the registry only,
    /// under its lock.</summary>
    public void Update(KnownBackend known) => _backends[IndexOf(known.Backend)] = known;

    /// <summary>The backend with an id, or else all backends that report a name.</summary>
    public IReadOnlyList<KnownBackend> Find(string idOrName) => Array.Find(_backends, backend => backend.Id == idOrName) is { } node
        ? [node]
        : Array.FindAll(_backends, backend => backend.Health.Node == idOrName);
}
