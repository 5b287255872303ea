using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Selection;

/// <summary>Reasons to give a client another node than its first, although that one is up. All are off by default.</summary>
/// <param name="BalanceFactor"><c>HASH_BALANCE_FACTOR</c>, in percent, 101 to 1000, default 0 (off): a node that has this much of
/// its fair share of the requests under way leaves further ones to the next in their ranking. Sensible from 125 to 200.</param>
/// <param name="SlowStart"><c>SLOW_START</c>: how long the clients of a node that comes back take to come home, 0 to 3600 s,
/// default 0 (at once).</param>
/// <param name="SessionIdle"><c>SESSION_IDLE</c>: how long after its last request a client stays with the node that served it, if
/// that node can, 0 to 86400 s, default 0 (not at all).</param>
internal sealed record SelectionOptions(int BalanceFactor, TimeSpan SlowStart, TimeSpan SessionIdle = default)
{
    public static SelectionOptions Off { get; } = new(0, TimeSpan.Zero);

    /// <summary>Whether sessions stay where they are.</summary>
    public bool KeepsSessions => SessionIdle > TimeSpan.Zero;

    public static SelectionOptions Read(SettingsReader settings)
    {
        const string Factor = "HASH_BALANCE_FACTOR";
        var factor = settings.WholeNumber(Factor, 0, 0, 1000);
        if (factor is > 0 and <= 100)
        {
            settings.Reject(Factor, settings.Text(Factor)!, "0 (off) or a percentage from 101 to 1000");
        }

        var options = new SelectionOptions(factor, settings.Seconds("SLOW_START", 0, 0, 3600), settings.Seconds("SESSION_IDLE", 0, 0, 86400));
        if (factor > 0 && options.KeepsSessions)
        {
            settings.Warn($"With {Factor}={factor} a request may go to another node while the client's own has its share, even within a session (SESSION_IDLE).");
        }

        return options;
    }
}

/// <content>As variables say it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record HashingOptions
{
    public static HashingOptions Read(SettingsReader settings) => new(
        settings.Text("HASH_SEED") is { } text ? SeedOf(text) : DefaultSeed,
        settings.WholeNumber("HASH_IPV4_PREFIX", 32, 1, 32),
        settings.WholeNumber("HASH_IPV6_PREFIX", 64, 1, 128));
}

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
