using System.Text.Json;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>What an operator can do: take a node out of use and back, and give it another share of the clients.</summary>
internal static class AdminEndpoints
{
    private const int LongestBody = 1024;

    public static void MapAdmin(this WebApplication app)
    {
        var admin = app.MapGroup("/lb");
        admin.AddEndpointFilter(async (context, next) =>
        {
            var token = context.HttpContext.RequestServices.GetRequiredService<AdminToken>();
            if (!token.IsSet)
            {
                return Results.NotFound();
            }

            if (token.Judge(context.HttpContext.Request.Headers.Authorization) != AdminVerdict.Right)
            {
                context.HttpContext.Response.Headers.WWWAuthenticate = "Bearer";
                return Results.Unauthorized();
            }

            return await next(context);
        });
        // For the page: is this the token?
        admin.MapGet("/admin", () => Results.NoContent());
        admin.MapPost("/backends/{id}/drain", (string id, BackendRegistry registry) =>
            ChangeDrain(id, registry, reasons => reasons | DrainReasons.Operator));
        admin.MapPost("/backends/{id}/resume", (string id, BackendRegistry registry) =>
            ChangeDrain(id, registry, reasons => reasons & ~DrainReasons.Operator));
        admin.MapPost("/backends/{id}/weight", SetWeightAsync);
    }

    private static IResult ChangeDrain(string id, BackendRegistry registry, Func<DrainReasons, DrainReasons> change)
    {
        if (registry.Current.Find(id) is not [var backend])
        {
            return NotOne(id, registry);
        }

        registry.Change(backend, health => health with { DrainReasons = change(health.DrainReasons) });
        return Done(backend);
    }

    private static async Task<IResult> SetWeightAsync(string id, HttpRequest request, BackendRegistry registry)
    {
        if (registry.Current.Find(id) is not [var backend])
        {
            return NotOne(id, registry);
        }

        if (await ReadWeightAsync(request) is not { Weight: var weight } || (weight is { } number && !BackendWeight.IsValid(number)))
        {
            return Refused(StatusCodes.Status400BadRequest, backend.Id, $$"""the body must be {"weight": 2}, {{BackendWeight.Allowed}}, or null for the one that discovery gives""");
        }

        registry.SetWeight(backend, weight);
        return Done(backend);
    }

    // Whatever content type it claims: curl -d says form.
    private static async Task<WeightRequest?> ReadWeightAsync(HttpRequest request)
    {
        var body = new byte[LongestBody];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        try
        {
            return JsonSerializer.Deserialize(body.AsSpan(0, length), StatusJson.Default.WeightRequest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IResult Done(Backend backend) =>
        Results.Json(new AdminAnswer(backend.Id, StateNames.Of(backend.Health.State), null), StatusJson.Default.AdminAnswer);

    private static IResult NotOne(string id, BackendRegistry registry) => registry.Current.Find(id) is [_, ..] several
        ? Refused(StatusCodes.Status409Conflict, id, $"several nodes have this name, ask for one by its id: {string.Join(", ", several.Select(node => node.Id))}")
        : Refused(StatusCodes.Status404NotFound, id, "no such node");

    private static IResult Refused(int status, string id, string problem) =>
        Results.Json(new AdminAnswer(id, null, problem), StatusJson.Default.AdminAnswer, statusCode: status);
}
