using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Selection;

/// <summary>Reasons to send a client to another backend than its highest-ranked one although that one is up. All off by default.</summary>
/// <param name="BalanceFactor"><c>HASH_BALANCE_FACTOR</c>, in percent, 101 to 1000, default 0 (off): a backend with this much of
/// its fair share of the requests in flight passes further ones to the next in their ranking. 125 to 200 make sense.</param>
/// <param name="SlowStart"><c>SLOW_START</c>: how long a recovered backend takes to get all of its clients back, 0 to 3600 s,
/// default 0 (immediately).</param>
/// <param name="SessionIdle"><c>SESSION_IDLE</c>: how long after its last request a client stays with the backend that served it,
/// 0 to 86400 s, default 0 (no sessions).</param>
internal sealed record SelectionOptions(int BalanceFactor, TimeSpan SlowStart, TimeSpan SessionIdle = default)
{
    public static SelectionOptions Off { get; } = new(0, TimeSpan.Zero);

    /// <summary>Whether clients stay with the backend of their session.</summary>
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
            settings.Warn($"With {Factor}={factor}, a request goes to another node while the client's own is over its share, even within a session (SESSION_IDLE).");
        }

        return options;
    }
}

/// <content>Reading from variables: in its own file because Kiro.Yarp links the rest and has no variables.</content>
internal sealed partial record HashingOptions
{
    public static HashingOptions Read(SettingsReader settings) => new(
        settings.Text("HASH_SEED") is { } text ? SeedOf(text) : DefaultSeed,
        settings.WholeNumber("HASH_IPV4_PREFIX", 32, 1, 32),
        settings.WholeNumber("HASH_IPV6_PREFIX", 64, 1, 128));
}

/// <summary>
/// Maps a client to a slot, and a slot to a backend. Selection sees backends only as <see cref="Candidate"/>s, and a new
/// <see cref="Selector"/> is made whenever they change. State that outlives a request is kept by slot.
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
            services.AddSingleton(provider => new SessionTable(options.SessionIdle, provider.GetRequiredService<TimeProvider>()));
        }
    }
}
