using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>A node that was chosen for a request: what is known of it, and what runs for it.</summary>
internal readonly record struct ChosenBackend(KnownBackend Known, BackendRuntime Runtime)
{
    public Backend Backend => Runtime.Backend;
}

/// <summary>
/// First and next choice of a request, with what choosing itself does not write: which slots had requests lately, and
/// which nodes left a request to another because they had their share. No lock, and no allocation but after a change of
/// the nodes.
/// </summary>
/// <param name="registry">The nodes.</param>
/// <param name="recent">Which slots had requests.</param>
/// <param name="sessions">Who has sessions where; null when sessions do not stay.</param>
internal sealed class BackendChooser(BackendRegistry registry, RecentSlots recent, SessionMemory? sessions = null)
{
    private volatile Crew? _crew;

    /// <summary>The node for a slot's request; null when no node is known.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="at">The clock's timestamp, if the caller has it at hand.</param>
    public ChosenBackend? First(int slot, long? at = null)
    {
        recent.Note(slot);
        var snapshot = registry.Current;
        var crew = CrewOf(snapshot);
        var place = sessions is null
            ? snapshot.Selector.First(slot, crew, out var home)
            : sessions.First(slot, snapshot.Selector, crew, out home, at);
        if (place != home)
        {
            crew.Runtimes[home].Counters.Overflow();
        }

        return place < 0 ? null : new ChosenBackend(snapshot.Backends[place], crew.Runtimes[place]);
    }

    /// <summary>The next-ranked node after those that a request has already tried; null when none is left.</summary>
    public ChosenBackend? Next(int slot, IReadOnlyList<Backend> tried)
    {
        var snapshot = registry.Current;
        Span<int> places = stackalloc int[tried.Count];
        for (var index = 0; index < places.Length; index++)
        {
            places[index] = snapshot.PlaceOf(tried[index]);
        }

        var place = sessions is null ? snapshot.Selector.Next(slot, places) : sessions.Next(slot, snapshot.Selector, places);
        return place < 0 ? null : new ChosenBackend(snapshot.Backends[place], CrewOf(snapshot).Runtimes[place]);
    }

    /// <summary>A failed try in the words of the response. With no node up the reason of the last one tells too little; which
    /// they are stands in the log and on the status page, and is no business of a client's.</summary>
    /// <param name="problem">Why the last try failed.</param>
    public string Explain(string problem) => registry.Current switch
    {
        { Selector.IsPanic: false } or { Backends.Count: 0 } => problem,
        { Backends.Count: 1 } => $"the only node is not up: {problem}",
        { Backends.Count: var count } => $"none of the {count} nodes is up; the last one tried: {problem}",
    };

    /// <summary>A slot's request has ended, at the node that it was given to last: until now its session was in use.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="backend">The node.</param>
    /// <param name="at">The clock's timestamp, if the caller has it at hand.</param>
    public void End(int slot, KnownBackend backend, long? at = null) => sessions?.Use(slot, backend.Tenure, at);

    // A selector outlives snapshots that differ in nothing that it chooses by, and its places are theirs.
    private Crew CrewOf(BackendSnapshot snapshot)
    {
        var crew = _crew;
        if (crew?.Selector != snapshot.Selector)
        {
            _crew = crew = new Crew(snapshot.Selector, [.. snapshot.Backends.Select(known => registry.Runtimes.Of(known.Backend))]);
        }

        return crew;
    }

    private sealed record Crew(Selector Selector, BackendRuntime[] Runtimes) : ILoads
    {
        public int InFlight(int place) => Runtimes[place].Counters.InFlight;
    }
}

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
