namespace Kiro.Api.Nodes;

/// <summary>
/// One node as the others see it. Its state is <c>up</c>, <c>stopped</c> when it said goodbye, <c>gone</c> when it fell silent.
/// </summary>
internal sealed record NodeAnswer(
    string Name, string Address, string Version, DateTimeOffset StartedAt, DateTimeOffset LastHeartbeat, string State);
