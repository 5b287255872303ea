using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The effective settings, their sources, and warnings about them.</summary>
public sealed class SettingsReport
{
    private const string Hidden = "(hidden)";

    /// <summary>The values of settings whose names contain one of these are never shown.</summary>
    private static readonly string[] Secrets = ["TOKEN", "PASSWORD", "SECRET", "SEED", "CONNECTIONSTRINGS"];

    private SettingsReport(IReadOnlyList<EffectiveSetting> settings, IReadOnlyList<string> warnings) =>
        (Settings, Warnings) = (settings, warnings);

    /// <summary>Ordered by name.</summary>
    public IReadOnlyList<EffectiveSetting> Settings { get; }

    /// <summary>A sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Creates a report of the settings that were read, and of unknown ones.</summary>
    /// <param name="reader">The reader, after all settings were read.</param>
    /// <param name="configuration">The configuration.</param>
    public static SettingsReport Of(SettingsReader reader, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(configuration);
        var names = reader.Known.Select(known => known.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new SettingsReport(
            [.. reader.Known.Select(known => InForce(known, reader, configuration)).OrderBy(setting => setting.Name, StringComparer.Ordinal)],
            [.. reader.Warnings, .. EnvironmentFile.Warnings(names), .. LookAlikes.Find(Given(configuration), names)]);
    }

    /// <summary>The output of <c>--check</c>, one line per setting.</summary>
    public IEnumerable<string> Lines()
    {
        var (name, value) = (Settings.Max(setting => setting.Name.Length), Settings.Max(setting => Shown(setting).Length));
        return Settings.Select(setting => $"{setting.Name.PadRight(name)}  {Shown(setting).PadRight(value)}  {setting.Source}")
            .Concat(Warnings.Select(warning => $"warning: {warning}"));

        static string Shown(EffectiveSetting setting) => setting.Value ?? "-";
    }

    private static EffectiveSetting InForce(KnownSetting known, SettingsReader reader, IConfiguration configuration)
    {
        var set = reader.Value(known.Name) is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;
        var name = known.Name.Replace(":", "__", StringComparison.Ordinal);
        return set is null ? new EffectiveSetting(name, known.Default, "default")
            : new EffectiveSetting(name, IsSecret(name) ? Hidden : set, SettingSource.Of(known.Name, configuration));
    }

    private static bool IsSecret(string name) => Secrets.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase));

    // Only real input: in-memory configuration is used by tests.
    private static IEnumerable<KeyValuePair<string, string?>> Given(IConfiguration configuration)
    {
        if ((configuration as IConfigurationRoot)?.Providers.Any(provider => provider is EnvironmentVariablesConfigurationProvider) != true)
        {
            return configuration.AsEnumerable().Where(pair => !pair.Key.Contains(':', StringComparison.Ordinal));
        }

        return Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(pair => KeyValuePair.Create((string)pair.Key, (string?)pair.Value));
    }
}

/// <summary>An effective setting.</summary>
/// <param name="Name">The variable.</param>
/// <param name="Value">Null if it is unset and has no default; secrets are hidden.</param>
/// <param name="Source"><c>default</c>, <c>environment</c>, <c>command line</c>, or a file: <c>/etc/kiro/.env, line 3</c>.</param>
public sealed record EffectiveSetting(string Name, string? Value, string Source);

/// <summary>Logs the warnings about settings at startup.</summary>
internal sealed partial class SettingWarnings(Reloadable<SettingsReport> report, ILogger<SettingWarnings> logger) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var warning in report.Value.Warnings)
        {
            Warning(logger, warning);
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(91, LogLevel.Warning, "{Warning}")]
    private static partial void Warning(ILogger logger, string warning);
}

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
