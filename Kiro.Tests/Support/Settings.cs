using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Support;

/// <summary>Settings for a test, without touching the environment of the test process.</summary>
internal static class Settings
{
    /// <param name="pairs"><c>NAME=value</c>; nested keys with colons, as in configuration.</param>
    public static IConfiguration Of(params string[] pairs) => new ConfigurationBuilder()
        .AddInMemoryCollection(pairs.Select(pair => pair.Split('=', 2)).Select(pair => KeyValuePair.Create<string, string?>(pair[0], pair[1])))
        .Build();

    /// <summary>What <paramref name="read"/> makes of valid settings.</summary>
    public static T Read<T>(Func<SettingsReader, T> read, params string[] pairs)
    {
        var reader = new SettingsReader(Of(pairs));
        var value = read(reader);
        reader.ThrowIfInvalid();
        return value;
    }

    /// <summary>Settings that are never reloaded.</summary>
    public static SettingsReload NoReload()
    {
        var configuration = Of();
        return new SettingsReload(
            new SettingsReader(configuration), configuration, _ => () => { }, new HashSet<string>(), TimeProvider.System, NullLogger<SettingsReload>.Instance);
    }

    /// <summary>The error lines of <paramref name="read"/> for invalid settings.</summary>
    public static IReadOnlyList<string> Refusals<T>(Func<SettingsReader, T> read, params string[] pairs) =>
        Assert.Throws<InvalidSettingsException>(() => Read(read, pairs)).Lines;
}
