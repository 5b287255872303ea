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
