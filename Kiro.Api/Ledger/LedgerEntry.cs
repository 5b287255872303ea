namespace Kiro.Api.Ledger;

/// <summary>One client in a batch.</summary>
internal sealed record LedgerEntry(string Client, ClientCount Count);
