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
