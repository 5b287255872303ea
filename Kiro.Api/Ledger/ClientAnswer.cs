namespace Kiro.Api.Ledger;

/// <summary>One client: who serves it, since when, how often it moved to another node.</summary>
internal sealed record ClientAnswer(
    string Client, string Node, DateTimeOffset FirstSeen, DateTimeOffset LastSeen, long Requests, long Moves);
