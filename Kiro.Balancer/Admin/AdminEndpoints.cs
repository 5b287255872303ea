using System.Globalization;
using System.Text.Json;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Listening;
using Kiro.Balancer.Peers;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Pages;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

internal static class AdminServices
{
    /// <summary>Must come before whatever changes the backends, so that the timeline starts with the balancer's start.</summary>
    public static void AddAdmin(this IServiceCollection services, Reloadable<AdminToken> admin)
    {
        services.AddSingleton(admin);
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ContractJson.Default));
        services.AddSingleton<MoveCounter>();
        services.AddSingleton<WhatIf>();
        services.AddSingleton<EventRing>();
        services.AddSingleton<EventWriter>();
        services.AddSingleton<EventBroadcast>();
        services.AddHostedService<EventRecorder>();
        services.AddSingleton<IStatePart, TimelinePart>();
        services.AddSingleton<BackendHistories>();
        services.AddHostedService(provider => provider.GetRequiredService<BackendHistories>());
        services.AddSingleton<BalancerHealth>();
        services.AddSingleton<CallerRoute>();
        services.AddSingleton<TlsReport>();
        services.AddSingleton<WarningList>();
        services.AddSingleton<LimitsReport>();
        services.AddSingleton<PeersReport>();
        services.AddSingleton<StatusReport>();
        services.AddSingleton(HtmlPage.Embedded(typeof(StatusReport).Assembly, "status.html"));
        services.AddSingleton<StreamLimit>();
        services.AddSingleton<WhatIfLimit>();
    }

    /// <summary>Restricts requests from the admin listener to the balancer's own paths and to allowed hosts.</summary>
    public static void UseAdminListener(this IApplicationBuilder app, AdminListener admin)
    {
        if (!admin.IsOn)
        {
            return;
        }

        app.Use(next => context =>
            !admin.Accepts(context) ? next(context)
            : !admin.AllowsHost(context.Request.Host) ? RefuseAsync(context, StatusCodes.Status421MisdirectedRequest,
                "unknown host name: use an IP address or localhost, or add the name to ADMIN_HOSTS")
            : !OwnPaths.ForAdminListener.Contains(context) ? RefuseAsync(context, StatusCodes.Status404NotFound,
                "this listener only serves /lb, /metrics, /health and /alive")
            : next(context));
    }

    private static Task RefuseAsync(HttpContext context, int status, string problem)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return ProblemResponse.Result(status, problem).ExecuteAsync(context);
    }
}

/// <summary>Endpoints for operators: drain, resume and weigh backends, reload the settings.</summary>
internal static class AdminEndpoints
{
    /// <summary>In bytes.</summary>
    private const int MaxBody = 1024;

    /// <summary>In seconds.</summary>
    private const int MaxTimeout = 86400;

    public static void MapAdmin(this WebApplication app)
    {
        var admin = app.MapGroup("/lb");
        admin.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var access = http.RequestServices.GetRequiredService<AdminAccess>();
            return !access.IsSet
                ? ProblemResponse.Result(StatusCodes.Status404NotFound, "no ADMIN_TOKEN is set on this balancer")
                : Refusal(http, access) ?? RefusalIfReplaced(http) ?? await next(context);
        });
        // For the page, to check the token.
        admin.MapGet("/admin", () => Results.NoContent());
        admin.MapGet("/config", (HttpResponse response, Reloadable<SettingsReport> report) =>
        {
            response.Headers.CacheControl = "no-store";
            return Results.Json(new ConfigStatus(report.Value.Settings, report.Value.Warnings), ContractJson.Default.ConfigStatus);
        });
        admin.MapPost("/reload", async (SettingsReload settings) => await settings.ReloadAsync("POST /lb/reload") is var status && status.Problems.Count > 0
            ? ProblemResponse.Result(StatusCodes.Status422UnprocessableEntity, string.Join(" ", status.Problems))
            : Results.Json(ReloadedStatus.Of(status), ContractJson.Default.ReloadedStatus));
        admin.MapPost("/backends/{id}/drain", (string id, string? timeout, BackendRegistry registry, OperatorOrders orders, ClientDistribution distribution) =>
            !TryReadTimeout(timeout, out var sessions)
                ? ProblemResponse.Result(StatusCodes.Status400BadRequest, $"timeout must be a number of seconds from 0 to {MaxTimeout}")
                : Apply(id, registry, distribution, backend => orders.Drain(backend, sessions)));
        admin.MapPost("/backends/{id}/evacuate", (string id, BackendRegistry registry, OperatorOrders orders, ClientDistribution distribution) =>
            Apply(id, registry, distribution, orders.Evacuate));
        admin.MapPost("/backends/{id}/resume", (string id, BackendRegistry registry, OperatorOrders orders, ClientDistribution distribution) =>
            Apply(id, registry, distribution, orders.Resume));
        admin.MapPost("/backends/{id}/weight", SetWeightAsync);
        admin.MapPeers();
    }

    private static IResult? Refusal(HttpContext context, AdminAccess access)
    {
        var caller = context.RequestServices.GetRequiredService<CallerRoute>();
        switch (access.Check(context.Request.Headers.Authorization, caller.IpOf(context), out var wait))
        {
            case AdminVerdict.Right:
                return null;
            case AdminVerdict.TooOften:
                context.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
                return ProblemResponse.Result(StatusCodes.Status429TooManyRequests, "too many wrong tokens from your address");
            default:
                context.Response.Headers.WWWAuthenticate = "Bearer";
                return ProblemResponse.Result(StatusCodes.Status401Unauthorized, "this needs the header Authorization: Bearer with the ADMIN_TOKEN");
        }
    }

    // The process that has taken over the port would not learn of it.
    private static IResult? RefusalIfReplaced(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || !context.RequestServices.GetRequiredService<Drain>().IsReplaced)
        {
            return null;
        }

        context.Response.Headers.RetryAfter = "1";
        return ProblemResponse.Result(StatusCodes.Status503ServiceUnavailable, "another process has taken over the port: retry on a new connection");
    }

    private static bool TryReadTimeout(string? text, out TimeSpan? timeout)
    {
        var isNumber = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and <= MaxTimeout;
        timeout = isNumber ? TimeSpan.FromSeconds(seconds) : null;
        return isNumber || text is null;
    }

    private static IResult Apply(string id, BackendRegistry registry, ClientDistribution distribution, Action<Backend> order)
    {
        var (found, status, problem) = NamedBackend.Of(registry.Current, id);
        if (found is not { } backend)
        {
            return ProblemResponse.Result(status, problem!);
        }

        order(backend.Backend);
        return Respond(registry, distribution, backend);
    }

    private static async Task<IResult> SetWeightAsync(string id, HttpRequest request, BackendRegistry registry, OperatorOrders orders, ClientDistribution distribution)
    {
        var (found, status, problem) = NamedBackend.Of(registry.Current, id);
        if (found is not { } backend)
        {
            return ProblemResponse.Result(status, problem!);
        }

        if (await ReadWeightAsync(request) is not { Weight: var weight } || (weight is { } number && !BackendWeight.IsValid(number)))
        {
            return ProblemResponse.Result(StatusCodes.Status400BadRequest, $$"""the body must be {"weight": 2}, {{BackendWeight.Allowed}}, or null for the one that discovery gives""");
        }

        orders.SetWeight(backend.Backend, weight);
        return Respond(registry, distribution, backend);
    }

    // Regardless of the content type: curl -d sends a form's.
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

    private static IResult Respond(BackendRegistry registry, ClientDistribution distribution, KnownBackend before)
    {
        var snapshot = registry.Current;
        var index = snapshot.IndexOf(before.Backend);
        var (state, sessions) = index < 0 ? (before.State, null) : (snapshot.Backends[index].State, distribution.Of(snapshot)[index].Sessions);
        return Results.Json(new OrderResponse(before.Id, state.Name(), Sessions: sessions), ContractJson.Default.OrderResponse);
    }
}
