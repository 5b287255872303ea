using Kiro.Api.Answers;
using Kiro.Api.Database;
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
            return Problem.Answer(StatusCodes.Status400BadRequest, error!);
        }

        try
        {
            if (database.IsUp)
            {
                var (totals, rows) = await store.ReadAsync(page, context.RequestAborted);
                return Results.Json(
                    ClientsAnswer.From(totals, page, rows, masked: verdict != AdminVerdict.Right));
            }
        }
        catch (DatabaseAwayException)
        {
        }

        return Problem.Answer(
            StatusCodes.Status503ServiceUnavailable, "The database is away, so the ledger cannot be read. Requests are still counted.");
    }
}
