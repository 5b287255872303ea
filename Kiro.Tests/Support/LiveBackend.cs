using Kiro.Balancer.Backends;

namespace Kiro.Tests.Support;

/// <summary>A node as a registry knows it whenever a test looks.</summary>
internal sealed class LiveBackend(BackendRegistry registry, Backend backend)
{
    private KnownBackend? _last;

    /// <summary>What is known now; of a node that is forgotten, what was known when somebody last looked.</summary>
    public KnownBackend Known => registry.Current.Of(backend) is { } known ? _last = known : _last!;

    public string Id => backend.Id;

    public BackendHealth Health => Known.Health;

    public double Weight => Known.Weight;

    public double? OperatorWeight => Known.OperatorWeight;

    public BackendCounters Counters => Runtime.Counters;

    public WakeSignal ProbeNow => Runtime.ProbeNow;

    public BackendRuntime Runtime => registry.Runtimes.Of(backend);

    public static implicit operator Backend(LiveBackend live) => live.Known.Backend;

    public static implicit operator KnownBackend(LiveBackend live) => live.Known;
}
