namespace Kiro.Balancer.Backends;

/// <summary>Something that happened to a node.</summary>
/// <param name="Kind">What.</param>
/// <param name="Backend">To whom.</param>
/// <param name="From">Its state before; null when it was not known.</param>
/// <param name="Reason">Why, in plain words; null when there is nothing to say.</param>
/// <param name="At">When.</param>
internal sealed record BackendChange(ChangeKind Kind, Backend Backend, BackendState? From, string? Reason, DateTimeOffset At);
