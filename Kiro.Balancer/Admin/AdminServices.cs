using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Admin.Moves;
using Kiro.Balancer.Admin.Timeline;
using Kiro.Balancer.State;
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
