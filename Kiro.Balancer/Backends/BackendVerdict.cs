namespace Kiro.Balancer.Backends;

/// <summary>What the probes say.</summary>
internal enum BackendVerdict
{
    Unknown,
    Up,
    Down,
}
