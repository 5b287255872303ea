using Kiro.Api.Callers;
using Kiro.Api.Ledger;

namespace Kiro.Api.Status;

/// <summary>What the status page shows. It is public, so it does not say why a database is down.</summary>
/// <param name="Node">The node that answers.</param>
/// <param name="Status">As in /health.</param>
/// <param name="Database"><c>up</c> or <c>down</c>.</param>
/// <param name="DatabaseKind"><c>mysql</c> or <c>sqlite</c>.</param>
/// <param name="Version">Of the program.</param>
/// <param name="UptimeSeconds">Since the process began.</param>
/// <param name="Cluster">All nodes.</param>
/// <param name="Client">The caller's own route.</param>
/// <param name="Ledger">Null while the database is away.</param>
/// <param name="Timestamp">When this was true.</param>
internal sealed record StatusAnswer(
    string Node, string Status, string Database, string DatabaseKind, string Version, double UptimeSeconds,
    ClusterAnswer Cluster, CallerAnswer Client, LedgerTotals? Ledger, DateTimeOffset Timestamp);
