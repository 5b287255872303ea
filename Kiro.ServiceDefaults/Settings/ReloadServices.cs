using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Registers the reload of settings.</summary>
public static class ReloadServices
{
    /// <param name="services">The program's services.</param>
    /// <param name="inForce">The reader of the initial settings.</param>
    /// <param name="configuration">Their source.</param>
    /// <param name="read">Reads everything; throws <see cref="InvalidSettingsException"/>, or returns an action that applies it.</param>
    /// <param name="reloadable">The variables that can be reloaded; others keep their values.</param>
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
