using Kiro.Balancer.Clients;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Hashing;
using Kiro.Balancer.Health;
using Kiro.Balancer.Status;
using Kiro.ServiceDefaults.Hosting;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer;

/// <summary>Every variable of the balancer, read once at the start.</summary>
internal sealed record BalancerSettings(
    ListenPort Listen,
    DrainOptions Drain,
    ClientOptions Clients,
    HashingOptions Hashing,
    DiscoveryOptions Discovery,
    HealthOptions Health,
    AdminOptions Admin)
{
    /// <exception cref="InvalidSettingsException">One line for each value that cannot be used.</exception>
    public static BalancerSettings Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration);
        var read = new BalancerSettings(
            new ListenPort("BALANCER_PORT", settings.Port("BALANCER_PORT", 13003)),
            DrainOptions.Read(settings),
            ClientOptions.Read(settings),
            HashingOptions.Read(settings),
            DiscoveryOptions.Read(settings, configuration),
            HealthOptions.Read(settings),
            AdminOptions.Read(settings));
        settings.ThrowIfInvalid();
        return read;
    }
}
