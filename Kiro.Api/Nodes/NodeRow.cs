namespace Kiro.Api.Nodes;

/// <summary>One node in the database. Times are Unix milliseconds.</summary>
internal sealed record NodeRow(
    string Name, string Address, string Version, long StartedAt, long LastHeartbeat, long Stopped);
