namespace Kiro.Api.Ledger;

/// <summary>What one node has seen of one client since the last flush. Times are Unix milliseconds.</summary>
internal record struct ClientCount(long Requests, long FirstSeen, long LastSeen);
