namespace Kiro.Tests.Faults;

/// <summary>What became of one request of the load.</summary>
/// <param name="Client">The number of the client's address.</param>
/// <param name="Sent">When it was sent, since the load began.</param>
/// <param name="Ended">When its response was complete, or it failed.</param>
/// <param name="Node">The node that answered, when the request asks for it.</param>
/// <param name="Failure">Why it has no good answer; null when it has.</param>
internal readonly record struct Answer(int Client, TimeSpan Sent, TimeSpan Ended, string? Node, string? Failure);
