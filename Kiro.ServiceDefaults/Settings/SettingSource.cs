using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Where the value of a setting comes from.</summary>
internal static class SettingSource
{
    /// <summary><c>environment</c>, <c>command line</c>, or a file, with the line if known.</summary>
    /// <param name="name">The configuration key.</param>
    /// <param name="configuration">The configuration.</param>
    public static string Of(string name, IConfiguration configuration) => Provider(name, configuration) switch
    {
        CommandLineConfigurationProvider => "command line",
        EnvironmentVariablesConfigurationProvider => EnvironmentFile.PlaceOf(name) ?? "environment",
        FileConfigurationProvider file => file.Source.Path ?? "file",
        _ => "configuration",
    };

    /// <summary>The file that contains an invalid value; null if it is not from a file.</summary>
    public static string? FileOf(string name, IConfiguration configuration) => Provider(name, configuration) switch
    {
        EnvironmentVariablesConfigurationProvider => EnvironmentFile.PlaceOf(name),
        FileConfigurationProvider file => file.Source.Path,
        _ => null,
    };

    private static IConfigurationProvider? Provider(string name, IConfiguration configuration) =>
        (configuration as IConfigurationRoot)?.Providers.LastOrDefault(provider => provider.TryGet(name, out _)) is { } last
            ? last is ChainedConfigurationProvider chained ? Provider(name, chained.Configuration) : last
            : null;
}
