using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Status;

/// <summary>What an operator can do: take a node out of use and back.</summary>
internal static class AdminEndpoints
{
    public static void MapAdmin(this WebApplication app)
    {
        var admin = app.MapGroup("/lb/backends/{id}");
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
        admin.MapPost("/drain", (string id, BackendRegistry registry) =>
            Change(id, registry, reasons => reasons | DrainReasons.Operator));
        admin.MapPost("/resume", (string id, BackendRegistry registry) =>
            Change(id, registry, reasons => reasons & ~DrainReasons.Operator));
    }

    // By the node's id, or by the name that it gives itself.
    private static IResult Change(string id, BackendRegistry registry, Func<DrainReasons, DrainReasons> change)
    {
        var backend = registry.Current.Backends.FirstOrDefault(backend => backend.Id == id)
            ?? registry.Current.Backends.FirstOrDefault(backend => backend.Health.Node == id);
        if (backend is null)
        {
            return Results.Json(new AdminAnswer(id, null, "no such node"), StatusJson.Default.AdminAnswer, statusCode: StatusCodes.Status404NotFound);
        }

        registry.Change(backend, health => health with { DrainReasons = change(health.DrainReasons) });
        return Results.Json(new AdminAnswer(backend.Id, StateNames.Of(backend.Health.State), null), StatusJson.Default.AdminAnswer);
    }
}
