using Kiro.Balancer.Selection;

namespace Kiro.Balancer.Backends;

/// <summary>The backend chosen for a request.</summary>
internal readonly record struct ChosenBackend(KnownBackend Known, BackendRuntime Runtime)
{
    public Backend Backend => Runtime.Backend;
}

/// <summary>
/// First and next choice for a request, and its bookkeeping: recent slots, sessions, and overflow counters. No lock, and allocates only
/// after a change of the backends.
/// </summary>
/// <param name="registry">The backends.</param>
/// <param name="recent">Records the slots of requests.</param>
/// <param name="sessions">Null without session affinity.</param>
internal sealed class BackendChooser(BackendRegistry registry, RecentSlots recent, SessionTable? sessions = null)
{
    private volatile Runtimes? _runtimes;

    /// <summary>The backend for a request; null if none is known.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="at">The current timestamp, if the caller has it.</param>
    public ChosenBackend? First(int slot, long? at = null)
    {
        recent.Add(slot);
        var snapshot = registry.Current;
        var runtimes = RuntimesOf(snapshot);
        var index = sessions is null
            ? snapshot.Selector.First(slot, runtimes, out var home)
            : sessions.First(slot, snapshot.Selector, runtimes, out home, at);
        if (index != home)
        {
            runtimes.ByIndex[home].Counters.Overflow();
        }

        return index < 0 ? null : new ChosenBackend(snapshot.Backends[index], runtimes.ByIndex[index]);
    }

    /// <summary>The next-ranked backend that a request has not tried; null if none is left.</summary>
    public ChosenBackend? Next(int slot, IReadOnlyList<Backend> tried)
    {
        var snapshot = registry.Current;
        Span<int> indexes = stackalloc int[tried.Count];
        for (var attempt = 0; attempt < indexes.Length; attempt++)
        {
            indexes[attempt] = snapshot.IndexOf(tried[attempt]);
        }

        var index = sessions is null ? snapshot.Selector.Next(slot, indexes) : sessions.Next(slot, snapshot.Selector, indexes);
        return index < 0 ? null : new ChosenBackend(snapshot.Backends[index], RuntimesOf(snapshot).ByIndex[index]);
    }

    /// <summary>The error to respond with. If no backend is up, the last failure alone explains too little; which backends they are
    /// is in the log and on the status page, and not for clients.</summary>
    /// <param name="problem">Why the last attempt failed.</param>
    public string Explain(string problem) => registry.Current switch
    {
        { Selector.IsPanic: false } or { Backends.Count: 0 } => problem,
        { Backends.Count: 1 } => $"the only node is not up: {problem}",
        { Backends.Count: var count } => $"none of the {count} nodes is up; the last one tried: {problem}",
    };

    /// <summary>A request has ended: its session was in use until now.</summary>
    /// <param name="slot">The client's slot.</param>
    /// <param name="backend">The backend that the request was last sent to.</param>
    /// <param name="at">The current timestamp, if the caller has it.</param>
    public void End(int slot, KnownBackend backend, long? at = null) => sessions?.Use(slot, backend.Tenure, at);

    // Snapshots that share a selector have the same backends in the same order.
    private Runtimes RuntimesOf(BackendSnapshot snapshot)
    {
        var runtimes = _runtimes;
        if (runtimes?.Selector != snapshot.Selector)
        {
            _runtimes = runtimes = new Runtimes(snapshot.Selector, [.. snapshot.Backends.Select(known => registry.Runtimes.Of(known.Backend))]);
        }

        return runtimes;
    }

    private sealed record Runtimes(Selector Selector, BackendRuntime[] ByIndex) : ILoads
    {
        public int InFlight(int index) => ByIndex[index].Counters.InFlight;
    }
}

/// <summary>All that a request needs to choose its backend. Immutable, except for the details that <see cref="Update"/> replaces.</summary>
internal sealed class BackendSnapshot
{
    private readonly KnownBackend[] _backends;

    /// <param name="backends">All known backends, sorted by id.</param>
    /// <param name="selector">Over the same backends, in the same order.</param>
    /// <param name="options">The selector's options.</param>
    /// <param name="selectedAt">When the selector was made, as <see cref="Moment.Uptime"/>.</param>
    public BackendSnapshot(KnownBackend[] backends, Selector selector, SelectionOptions options, TimeSpan selectedAt) =>
        (_backends, Selector, Options, SelectedAt, HasTls, NotUp) =
        (backends, selector, options, selectedAt, Array.Exists(backends, known => known.Backend.IsTls), backends.Count(known => known.State != BackendState.Up));

    /// <summary>Sorted by id.</summary>
    public IReadOnlyList<KnownBackend> Backends => _backends;

    public Selector Selector { get; }

    public SelectionOptions Options { get; }

    /// <summary>When the selector was made, for a slow start.</summary>
    public TimeSpan SelectedAt { get; }

    /// <summary>The number of backends that are not up.</summary>
    public int NotUp { get; }

    /// <summary>Whether any backend uses TLS.</summary>
    public bool HasTls { get; }

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
