namespace Kiro.Balancer.Selection;

/// <summary>
/// Which node: from a client's address to its slot, and from a slot to its node. This room knows nodes as
/// <see cref="Candidate"/>s only; a <see cref="Selector"/> is made anew whenever they change. What is kept from one request to
/// the next is kept by slot.
/// </summary>
internal static class SelectionServices
{
    public static void AddSelection(this IServiceCollection services, HashingOptions hashing, SelectionOptions options)
    {
        services.AddSingleton(hashing);
        services.AddSingleton(options);
        services.AddSingleton<ClientHash>();
        services.AddSingleton<RecentSlots>();
        services.AddHostedService(provider => provider.GetRequiredService<RecentSlots>());
        if (options.KeepsSessions)
        {
            services.AddSingleton(provider => new SessionMemory(options.SessionIdle, provider.GetRequiredService<TimeProvider>()));
        }
    }
}
