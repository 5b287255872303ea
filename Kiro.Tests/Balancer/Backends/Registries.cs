using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

/// <summary>Registries in a given state, and shortcuts for reports to them.</summary>
internal static class Registries
{
    public static BackendRegistry Empty(TimeProvider? time = null, ChangeFeed? feed = null, SelectionOptions? options = null, IStandingOrders? orders = null) => new(
        new HashingOptions(HashingOptions.DefaultSeed, 32, 64), time ?? new FakeTimeProvider(), NullLogger<BackendRegistry>.Instance,
        options, feed: feed, orders: orders);

    /// <summary><c>api-1:80</c> and so on, all of them up.</summary>
    public static BackendRegistry Up(int count, TimeProvider? time = null, ChangeFeed? feed = null, SelectionOptions? options = null)
    {
        var registry = Empty(time, feed, options);
        registry.SetMembers(Endpoints(count));
        registry.SetAll(BackendVerdict.Up);
        return registry;
    }

    public static BackendEndpoint[] Endpoints(int count) =>
        [.. Enumerable.Range(1, count).Select(node => new BackendEndpoint($"api-{node}", 80))];

    public static LiveBackend Find(this BackendRegistry registry, string id)
    {
        var found = new LiveBackend(registry, registry.Current.Backends.Single(known => known.Id == id).Backend);
        // So that it has seen a node that is removed next.
        _ = found.Known;
        return found;
    }

    /// <summary>Probes the node until it is up, or with a refused connection.</summary>
    public static void Set(this BackendRegistry registry, string id, BackendVerdict verdict)
    {
        var backend = registry.Find(id);
        if (verdict == BackendVerdict.Down)
        {
            registry.Probed(backend, new ProbeResult(ProbeOutcome.Refused, null, null, null));
        }

        while (verdict == BackendVerdict.Up && backend.Health.Verdict != BackendVerdict.Up)
        {
            registry.Probed(backend, new ProbeResult(ProbeOutcome.Passed, null, null, null));
        }
    }

    public static void SetAll(this BackendRegistry registry, BackendVerdict verdict)
    {
        foreach (var backend in registry.Current.Backends)
        {
            registry.Set(backend.Id, verdict);
        }
    }

    /// <summary>The node passes a probe and reports this name.</summary>
    public static void Name(this BackendRegistry registry, string id, string node) =>
        registry.Probed(registry.Find(id), new ProbeResult(ProbeOutcome.Passed, null, null, node));

    /// <summary>The node responds to a probe that it is draining.</summary>
    public static void SayDraining(this BackendRegistry registry, string id) =>
        registry.Probed(registry.Find(id), new ProbeResult(ProbeOutcome.Draining, null, null, null));

    public static BackendState StateOf(this BackendRegistry registry, string id) => registry.Find(id).Health.State;

    public static string[] Ids(this BackendRegistry registry) => [.. registry.Current.Backends.Select(backend => backend.Id)];

    /// <summary>The nodes that serve any slots.</summary>
    public static string[] Serving(this BackendRegistry registry) =>
        [.. Enumerable.Range(0, 2000).Select(slot => registry.Current.Choose(slot)!.Id).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>An operator drains the node, or resumes one that is drained.</summary>
    public static void ToggleDrain(this BackendRegistry registry, KnownBackend known)
    {
        if (known.Health.DrainReasons.HasFlag(DrainReasons.Operator))
        {
            registry.Resume(known.Backend);
        }
        else
        {
            registry.Drain(known.Backend);
        }
    }

    /// <summary>The next choice after those tried.</summary>
    public static KnownBackend? Next(this BackendSnapshot snapshot, int slot, IReadOnlyList<Backend> tried) =>
        snapshot.Selector.Next(slot, [.. tried.Select(snapshot.IndexOf)]) is >= 0 and var place ? snapshot.Backends[place] : null;
}
