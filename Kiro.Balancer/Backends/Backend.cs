namespace Kiro.Balancer.Backends;

/// <summary>A node, from when discovery first names it until it is forgotten.</summary>
internal sealed class Backend(BackendEndpoint endpoint, BackendHealth health)
{
    private volatile BackendHealth _health = health;
    private volatile BackendEndpoint _endpoint = endpoint;

    /// <summary>Stable, unique, and what is hashed.</summary>
    public string Id { get; } = endpoint.Id;

    /// <summary>Where it is; only the weight ever changes.</summary>
    public BackendEndpoint Endpoint
    {
        get => _endpoint;
        internal set => _endpoint = value;
    }

    /// <summary>What a request's URL starts with.</summary>
    public string UrlPrefix { get; } = "http://" + endpoint.Authority;

    /// <summary>The latest health; only <see cref="BackendRegistry"/> writes it.</summary>
    public BackendHealth Health
    {
        get => _health;
        internal set => _health = value;
    }

    public BackendCounters Counters { get; } = new();

    /// <summary>Set by whoever has reason to doubt the node's state.</summary>
    public WakeSignal ProbeNow { get; } = new();

    public override string ToString() => Health.Node is { } node && node != Id ? $"{node} ({Id})" : Id;
}
