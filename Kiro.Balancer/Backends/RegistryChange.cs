namespace Kiro.Balancer.Backends;

/// <summary>What happened at once, and the snapshots around it.</summary>
internal sealed record RegistryChange(BackendSnapshot Before, BackendSnapshot After, IReadOnlyList<BackendChange> Changes);
