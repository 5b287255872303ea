using System.Globalization;
using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Peers;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

/// <summary>What an operator can do: take a node out of use and back, and give it another share of the clients.</summary>
internal static class AdminEndpoints
{
    /// <summary>In bytes.</summary>
    private const int MaxBody = 1024;

    public static void MapAdmin(this WebApplication app)
    {
        var admin = app.MapGroup("/lb");
        admin.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var access = http.RequestServices.GetRequiredService<AdminAccess>();
            return !access.IsSet
                ? Problem.Result(StatusCodes.Status404NotFound, "no ADMIN_TOKEN is set on this balancer")
                : Refusal(http, access) ?? await next(context);
        });
        // For the page: is this the token?
        admin.MapGet("/admin", () => Results.NoContent());
        admin.MapGet("/config", (HttpResponse response, SettingsReport report) =>
        {
            response.Headers.CacheControl = "no-store";
            return Results.Json(new ConfigStatus(report.Settings, report.Warnings), ContractJson.Default.ConfigStatus);
        });
        admin.MapPost("/backends/{id}/drain", (string id, BackendRegistry registry, OperatorOrders orders) =>
            ChangeDrain(id, registry, orders.Drain));
        admin.MapPost("/backends/{id}/resume", (string id, BackendRegistry registry, OperatorOrders orders) =>
            ChangeDrain(id, registry, orders.Resume));
        admin.MapPost("/backends/{id}/weight", SetWeightAsync);
        admin.MapPeers();
    }

    private static IResult? Refusal(HttpContext context, AdminAccess access)
    {
        var caller = context.RequestServices.GetRequiredService<CallerRoute>();
        switch (access.Judge(context.Request.Headers.Authorization, caller.IpOf(context), out var wait))
        {
            case AdminVerdict.Right:
                return null;
            case AdminVerdict.TooOften:
                context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                return Problem.Result(StatusCodes.Status429TooManyRequests, "too many wrong tokens came from your address");
            default:
                context.Response.Headers.WWWAuthenticate = "Bearer";
                return Problem.Result(StatusCodes.Status401Unauthorized, "this takes Authorization: Bearer with the ADMIN_TOKEN");
        }
    }

    private static IResult ChangeDrain(string id, BackendRegistry registry, Action<Backend> change)
    {
        var (found, status, problem) = NodeLookup.Of(registry.Current, id);
        if (found is not { } backend)
        {
            return Problem.Result(status, problem!);
        }

        change(backend.Backend);
        return Done(registry, backend);
    }

    private static async Task<IResult> SetWeightAsync(string id, HttpRequest request, BackendRegistry registry, OperatorOrders orders)
    {
        var (found, status, problem) = NodeLookup.Of(registry.Current, id);
        if (found is not { } backend)
        {
            return Problem.Result(status, problem!);
        }

        if (await ReadWeightAsync(request) is not { Weight: var weight } || (weight is { } number && !BackendWeight.IsValid(number)))
        {
            return Problem.Result(StatusCodes.Status400BadRequest, $$"""the body must be {"weight": 2}, {{BackendWeight.Allowed}}, or null for the one that discovery gives""");
        }

        orders.SetWeight(backend.Backend, weight);
        return Done(registry, backend);
    }

    // Whatever content type it claims: curl -d says form.
    private static async Task<WeightRequest?> ReadWeightAsync(HttpRequest request)
    {
        var body = new byte[MaxBody];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, request.HttpContext.RequestAborted);
        try
        {
            return JsonSerializer.Deserialize(body.AsSpan(0, length), ContractJson.Default.WeightRequest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static IResult Done(BackendRegistry registry, KnownBackend before) =>
        Results.Json(new OrderResponse(before.Id, (registry.Current.Of(before.Backend) ?? before).State.Word()), ContractJson.Default.OrderResponse);
}
