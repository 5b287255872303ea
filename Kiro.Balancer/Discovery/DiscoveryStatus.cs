namespace Kiro.Balancer.Discovery;

/// <summary>How the last lookup went.</summary>
internal sealed class DiscoveryStatus
{
    private volatile string? _problem;

    /// <summary>Why the last lookup failed; null when it did not.</summary>
    public string? Problem
    {
        get => _problem;
        set => _problem = value;
    }
}
