namespace Kiro.Balancer.Selection;

internal static class HashingServices
{
    public static void AddHashing(this IServiceCollection services, HashingOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ClientHash>()
        .AddSingleton<RecentSlots>();
}
