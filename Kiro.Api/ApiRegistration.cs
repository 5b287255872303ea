using Kiro.Api.Health;
using Kiro.Api.Logging;
using Kiro.Api.Nodes;
using Kiro.Api.Status;
using Kiro.ServiceDefaults.Pages;
using Kiro.ServiceDefaults.Settings;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Api;

internal static class ApiRegistration
{
    /// <summary>Registers everything except the database.</summary>
    public static void AddApi(this IServiceCollection services, ApiSettings settings)
    {
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default));
        services.AddSingleton<Reloadable<AdminToken>>(settings.Admin);
        services.AddSingleton<NodeHealth>();
        services.AddSingleton(HtmlPage.Embedded(typeof(StatusEndpoints).Assembly, "status.html"));
    }

    /// <summary>Logs a line once the service listens.</summary>
    public static void LogWhenServing(this WebApplication app, ApiOptions api) =>
        app.Lifetime.ApplicationStarted.Register(() => Log.Serving(app.Logger, api.NodeName, api.Listen.Port));
}
