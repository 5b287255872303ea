using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api.Ledger;

/// <summary>A page of the ledger and its totals.</summary>
internal sealed record ClientsAnswer(LedgerTotals Totals, int Limit, int Offset, IReadOnlyList<ClientAnswer> Clients)
{
    public static ClientsAnswer From(LedgerTotals totals, Page page, IReadOnlyList<ClientRow> rows, bool masked) => new(
        totals, page.Limit, page.Offset,
        [.. rows.Select(row => new ClientAnswer(
            masked ? AddressMask.Hide(row.Client) : row.Client,
            row.Node,
            DateTimeOffset.FromUnixTimeMilliseconds(row.FirstSeen),
            DateTimeOffset.FromUnixTimeMilliseconds(row.LastSeen),
            row.Requests,
            row.Moves))]);
}
