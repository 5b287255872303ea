using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Listening;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Pages;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Admin;

internal static class AdminServices
{
    /// <summary>Before whatever changes the nodes, so that the timeline begins with the start of the balancer.</summary>
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
}

/// <summary>The operator's side door: <c>ADMIN_LISTEN</c>.</summary>
internal static class AdminDoor
{
    public static void AddAdminListener(this WebApplicationBuilder builder, AdminListener admin)
    {
        builder.Services.AddSingleton(admin);
        if (admin.EndPoint is { } endpoint)
        {
            builder.Services.AddSingleton(new NamedPort(AdminListener.Variable, endpoint.ToString(), endpoint.Port));
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenOn([endpoint.Address], endpoint.Port, _ => { }));
        }
    }

    /// <summary>Keeps what comes in by the side door to the balancer's own pages, and to whom they are for.</summary>
    public static void UseAdminListener(this IApplicationBuilder app, AdminListener admin)
    {
        if (!admin.IsOn)
        {
            return;
        }

        app.Use(next => context =>
            !admin.Has(context) ? next(context)
            : !admin.Knows(context.Request.Host) ? RefuseAsync(context, StatusCodes.Status421MisdirectedRequest,
                "this name is not one of the admin listener's: ask by address or localhost, or name it in ADMIN_HOSTS")
            : !OwnPaths.OfOperators.Contains(context) ? RefuseAsync(context, StatusCodes.Status404NotFound,
                "the balancer's own pages are here, and nothing else: /lb, /metrics, /health, /alive")
            : next(context));
    }

    private static Task RefuseAsync(HttpContext context, int status, string problem)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return ProblemResponse.Result(status, problem).ExecuteAsync(context);
    }
}
