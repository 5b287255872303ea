using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>All that a request needs to know to choose its node, at one moment: immutable, but for what no choice depends on and
/// <see cref="Note"/> keeps current.</summary>
internal sealed class BackendSnapshot
{
    private readonly KnownBackend[] _backends;

    /// <param name="backends">All known nodes, sorted by id.</param>
    /// <param name="selector">Over the same nodes, in the same places.</param>
    /// <param name="options">What the selector goes by.</param>
    /// <param name="selectedAt">When the selector was made, as <see cref="Moment.Uptime"/>.</param>
    public BackendSnapshot(KnownBackend[] backends, Selector selector, SelectionOptions options, TimeSpan selectedAt) =>
        (_backends, Selector, Options, SelectedAt, HasTls, NotUp) =
        (backends, selector, options, selectedAt, Array.Exists(backends, known => known.Backend.IsTls), backends.Count(known => known.State != BackendState.Up));

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<KnownBackend> Backends => _backends;

    /// <summary>Chooses among them, by their places.</summary>
    public Selector Selector { get; }

    /// <summary>What it chooses by.</summary>
    public SelectionOptions Options { get; }

    /// <summary>When the selector was made, for a slow start.</summary>
    public TimeSpan SelectedAt { get; }

    /// <summary>How many nodes are not up.</summary>
    public int NotUp { get; }

    /// <summary>Whether any node is spoken to over TLS.</summary>
    public bool HasTls { get; }

    /// <summary>The node that serves the clients of a slot while none has more than its share; null when no node is known.</summary>
    /// <param name="slot">The clients' slot.</param>
    /// <param name="holders">Who has sessions where; null when sessions do not stay.</param>
    public KnownBackend? Choose(int slot, ISlotHolders? holders = null)
    {
        var held = holders is null ? -1 : Selector.PlaceOf(holders.HolderOf(slot));
        return (held >= 0 ? held : Selector.First(slot)) is >= 0 and var place ? _backends[place] : null;
    }

    /// <summary>What is known of a node; null when it is forgotten.</summary>
    public KnownBackend? Of(Backend backend) => PlaceOf(backend) is >= 0 and var place ? _backends[place] : null;

    /// <summary>A node's place; -1 when it is forgotten.</summary>
    public int PlaceOf(Backend backend)
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

    /// <summary>Takes over what is known of a node when it changes no choice, such as when it was probed and how long that took: the
    /// one thing that changes here. For the registry alone, under its lock.</summary>
    public void Note(KnownBackend known) => _backends[PlaceOf(known.Backend)] = known;

    /// <summary>A node by its id, or else by the name that it gives itself. Several, when they give themselves the same one.</summary>
    public IReadOnlyList<KnownBackend> Find(string idOrName) => Array.Find(_backends, backend => backend.Id == idOrName) is { } node
        ? [node]
        : Array.FindAll(_backends, backend => backend.Health.Node == idOrName);
}
