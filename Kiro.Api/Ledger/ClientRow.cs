namespace Kiro.Api.Ledger;

/// <summary>One client in the database. Times are Unix milliseconds.</summary>
internal sealed record ClientRow(string Client, string Node, long FirstSeen, long LastSeen, long Requests, long Moves);
