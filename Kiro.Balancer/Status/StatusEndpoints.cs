using Kiro.ServiceDefaults.Trust;

namespace Kiro.Balancer.Status;

internal static class StatusEndpoints
{
    public static void AddStatus(this IServiceCollection services, AdminToken admin)
    {
        services.AddSingleton(admin);
        services.AddSingleton<BalancerHealth>();
        services.AddSingleton<Warnings>();
        services.AddSingleton<StatusPage>();
        services.AddSingleton<StatusReport>();
        services.AddSingleton<RequestRate>();
        services.AddHostedService(provider => provider.GetRequiredService<RequestRate>());
    }

    public static void MapStatus(this WebApplication app)
    {
        // Made now, so that the uptime counts from the start and not from the first visit.
        var report = app.Services.GetRequiredService<StatusReport>();
        app.MapGet("/lb/status", (HttpContext context) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            return Results.Json(report.For(context), StatusJson.Default.StatusModel);
        });
        // Nothing below is a node's business, whatever the method: a token that was sent here must not get there.
        app.Map("/lb/{**rest}", () => Results.NotFound());
        app.MapGet("/lb", (HttpResponse response, StatusPage page) => page.Answer(response));
    }
}
