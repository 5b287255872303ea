using Kiro.Balancer.Backends;
using Kiro.Balancer.Selection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

/// <summary>Registries in a certain state, and short names for what others report to them.</summary>
internal static class Registries
{
    public static BackendRegistry Empty(TimeProvider? time = null, ChangeFeed? feed = null, RecentSlots? recent = null, SelectionOptions? options = null) => new(
        new HashingOptions(HashingOptions.DefaultSeed, 32, 64), time ?? new FakeTimeProvider(), NullLogger<BackendRegistry>.Instance,
        options, feed, recent);

    /// <summary><c>api-1:80</c> and so on, all of them up.</summary>
    public static BackendRegistry Up(
        int count, TimeProvider? time = null, ChangeFeed? feed = null, RecentSlots? recent = null, SelectionOptions? options = null)
    {
        var registry = Empty(time, feed, recent, options);
        registry.SetMembers(Endpoints(count));
        registry.SetAll(BackendVerdict.Up);
        return registry;
    }

    public static BackendEndpoint[] Endpoints(int count) =>
        [.. Enumerable.Range(1, count).Select(node => new BackendEndpoint($"api-{node}", 80))];

    public static Backend Find(this BackendRegistry registry, string id) =>
        registry.Current.Backends.Single(backend => backend.Id == id);

    public static void Set(this BackendRegistry registry, string id, BackendVerdict verdict) => registry.Change(
        registry.Find(id), health => health with { Verdict = verdict, HasBeenUp = health.HasBeenUp || verdict == BackendVerdict.Up });

    public static void SetAll(this BackendRegistry registry, BackendVerdict verdict)
    {
        foreach (var backend in registry.Current.Backends)
        {
            registry.Set(backend.Id, verdict);
        }
    }

    public static void Drain(this BackendRegistry registry, string id, DrainReasons reason) =>
        registry.Change(registry.Find(id), health => health with { DrainReasons = health.DrainReasons | reason });

    public static void Resume(this BackendRegistry registry, string id, DrainReasons reason) =>
        registry.Change(registry.Find(id), health => health with { DrainReasons = health.DrainReasons & ~reason });

    public static BackendState StateOf(this BackendRegistry registry, string id) => registry.Find(id).Health.State;

    public static string[] Ids(this BackendRegistry registry) => [.. registry.Current.Backends.Select(backend => backend.Id)];

    /// <summary>The nodes that serve anybody at all.</summary>
    public static string[] Serving(this BackendRegistry registry) =>
        [.. Enumerable.Range(0, 2000).Select(slot => registry.Current.Choose(slot)!.Id).Distinct().Order(StringComparer.Ordinal)];
}
