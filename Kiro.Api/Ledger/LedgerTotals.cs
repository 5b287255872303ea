namespace Kiro.Api.Ledger;

/// <summary>The whole ledger in three numbers.</summary>
internal sealed record LedgerTotals(long Clients, long Requests, long Moves);
