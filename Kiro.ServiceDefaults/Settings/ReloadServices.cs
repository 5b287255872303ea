using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Adds the reload of settings to a program.</summary>
public static class ReloadServices
{
    /// <param name="services">The program's.</param>
    /// <param name="inForce">What the settings of the start were read with.</param>
    /// <param name="configuration">Where they come from.</param>
    /// <param name="read">Reads everything; throws <see cref="InvalidSettingsException"/>, or returns what takes it into force.</param>
    /// <param name="reloadable">The variables that can change while the program runs; any other keeps its value.</param>
    public static void AddReload(
        this IServiceCollection services, SettingsReader inForce, IConfiguration configuration, Func<SettingsReader, Action> read,
        IReadOnlySet<string> reloadable)
    {
        services.AddSingleton(provider => new SettingsReload(
            inForce, configuration, read, reloadable, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SettingsReload>>()));
        services.AddHostedService<SettingsWatch>();
    }
}
