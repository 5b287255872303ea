using Kiro.Balancer.Backends;

namespace Kiro.Tests.Support;

/// <summary>A backend as the registry knows it at the moment of asking.</summary>
internal sealed class LiveBackend(BackendRegistry registry, Backend backend)
{
    private KnownBackend? _last;

    /// <summary>What is known now; once the backend is forgotten, what was known when last read.</summary>
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
