using Kiro.Balancer.Backends;
using Kiro.Balancer.Listening.Takeover;
using Kiro.Balancer.State;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Kiro.Balancer.Peers;

internal static class PeerServices
{
    /// <summary>Before discovery and before the listeners, so that no node is used against an order.</summary>
    /// <param name="services">Where to add them.</param>
    /// <param name="options">Who they are.</param>
    /// <param name="tellsSessions">Whether sessions stay.</param>
    public static void AddPeers(this IServiceCollection services, Reloadable<PeerOptions> options, bool tellsSessions = false)
    {
        services.AddSingleton(options);
        services.TryAddSingleton<OrderBook>();
        services.AddSingleton<IStandingOrders>(provider => provider.GetRequiredService<OrderBook>());
        services.AddSingleton<OperatorOrders>();
        services.AddSingleton<IStatePart, OrdersPart>();
        services.AddSingleton<PeerExchange>();
        services.AddSingleton<PeerLookup>();
        services.AddSingleton<PeerSet>();
        services.AddSingleton<SessionCounters>();
        if (tellsSessions)
        {
            services.AddSingleton<SessionExchange>();
            services.AddSingleton<IHandedOver>(provider => provider.GetRequiredService<SessionExchange>());
        }

        services.AddHostedService(provider => provider.GetRequiredService<PeerSet>());
        if (tellsSessions)
        {
            services.AddHostedService<SessionTeller>();
        }
    }
}
