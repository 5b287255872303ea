using System.Globalization;
using Kiro.Api.Database;
using Kiro.Api.Problems;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api.Ledger;

/// <summary><c>GET /api/clients</c>: the route ledger.</summary>
internal static class LedgerEndpoints
{
    public static void MapLedger(this IEndpointRouteBuilder app) => app.MapGet("/api/clients", ReadAsync);

    private static async Task<IResult> ReadAsync(
        HttpContext context, AdminAccess admin, LedgerStore store, DatabaseState database)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (Problem.OfToken(context, admin, out var verdict) is { } refusal)
        {
            return refusal;
        }

        if (Page.Read(context.Request.Query, out var error) is not { } page)
        {
            return Problem.Response(StatusCodes.Status400BadRequest, error!);
        }

        try
        {
            if (database.IsUp)
            {
                var (totals, rows) = await store.ReadAsync(page, context.RequestAborted);
                return Results.Json(
                    ClientsResponse.From(totals, page, rows, masked: verdict != AdminVerdict.Right));
            }
        }
        catch (DatabaseUnavailableException)
        {
        }

        return Problem.Response(
            StatusCodes.Status503ServiceUnavailable, "The database is unavailable, so the ledger cannot be read. Requests are still counted.");
    }
}

/// <summary>A page of the ledger and its totals.</summary>
internal sealed record ClientsResponse(LedgerTotals Totals, int Limit, int Offset, IReadOnlyList<ClientResponse> Clients)
{
    public static ClientsResponse From(LedgerTotals totals, Page page, IReadOnlyList<ClientRow> rows, bool masked) => new(
        totals, page.Limit, page.Offset,
        [.. rows.Select(row => new ClientResponse(
            masked ? AddressMask.Hide(row.Client) : row.Client,
            row.Node,
            DateTimeOffset.FromUnixTimeMilliseconds(row.FirstSeen),
            DateTimeOffset.FromUnixTimeMilliseconds(row.LastSeen),
            row.Requests,
            row.Moves))]);
}

/// <summary>One client: its node, since when, and how often it moved.</summary>
internal sealed record ClientResponse(
    string Client, string Node, DateTimeOffset FirstSeen, DateTimeOffset LastSeen, long Requests, long Moves);

/// <summary>A part of a long list.</summary>
internal sealed record Page(int Limit, int Offset)
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>Reads <c>limit</c> and <c>offset</c>; null with a message for the caller if one is invalid.</summary>
    public static Page? Read(IQueryCollection query, out string? error)
    {
        error = null;
        var page = new Page(
            Number(query["limit"], "limit", DefaultLimit, 1, MaxLimit, ref error),
            Number(query["offset"], "offset", 0, 0, int.MaxValue, ref error));
        return error is null ? page : null;
    }

    private static int Number(string? text, string name, int fallback, int min, int max, ref string? error)
    {
        if (string.IsNullOrEmpty(text))
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
        {
            return value;
        }

        error = string.Create(CultureInfo.InvariantCulture, $"{name} must be a whole number from {min} to {max}.");
        return fallback;
    }
}
