namespace Kiro.Balancer.Selection;

/// <summary>
/// Which node: from a client's address to its slot, and from a slot to its node. This room knows nodes as
/// <see cref="Candidate"/>s only and keeps nothing about them; a <see cref="Selector"/> is made anew whenever they change.
/// </summary>
internal static class SelectionServices
{
    public static void AddSelection(this IServiceCollection services, HashingOptions hashing, SelectionOptions options) => services
        .AddSingleton(hashing)
        .AddSingleton(options)
        .AddSingleton<ClientHash>()
        .AddSingleton<RecentSlots>()
        .AddHostedService(provider => provider.GetRequiredService<RecentSlots>());
}
