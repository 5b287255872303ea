using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Where the value of a setting comes from.</summary>
internal static class SettingSource
{
    /// <summary>In words: <c>environment</c>, <c>command line</c>, or a file with the line where it is known.</summary>
    /// <param name="name">As configuration spells it.</param>
    /// <param name="configuration">Where it was read.</param>
    public static string Of(string name, IConfiguration configuration) => Provider(name, configuration) switch
    {
        CommandLineConfigurationProvider => "command line",
        EnvironmentVariablesConfigurationProvider => EnvironmentFile.PlaceOf(name) ?? "environment",
        FileConfigurationProvider file => file.Source.Path ?? "file",
        _ => "configuration",
    };

    /// <summary>The file that a bad value stands in; null when it is in none, so that the value and its name are all there is to find.</summary>
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
