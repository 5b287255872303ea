using Kiro.Balancer;

namespace Kiro.Tool;

/// <summary>Settings as options: <c>--health-path /healthz</c> is <c>HEALTH_PATH=/healthz</c>, and overrides the environment.</summary>
internal static class SettingOptions
{
    private static readonly Dictionary<string, string> Short = new(StringComparer.OrdinalIgnoreCase)
    {
        ["--hosts"] = "BACKEND_HOSTS",
        ["--dns"] = "BACKEND_DNS",
        ["--file"] = "BACKEND_FILE",
        ["--port"] = "BALANCER_PORT",
    };

    /// <summary>Every setting of the balancer, by the name of its variable.</summary>
    public static IReadOnlyCollection<string> Settings { get; } =
        [.. BalancerSettings.Read(new ConfigurationBuilder().Build()).Report.Settings.Select(setting => setting.Name)];

    /// <summary>All options and their settings; the short ones first.</summary>
    public static IEnumerable<(string Option, string Setting)> All =>
        [.. Short.Where(pair => IsSetting(pair.Value)).Select(pair => (pair.Key, pair.Value)),
         .. Settings.Where(name => !name.Contains("__", StringComparison.Ordinal)).Select(name => ("--" + name.ToLowerInvariant().Replace('_', '-'), name))];

    /// <summary>Converts options to the balancer's arguments. Others are passed on for the balancer to validate.</summary>
    /// <param name="arguments">The rest of the command line.</param>
    /// <param name="problems">Gets a line for each option without a value.</param>
    public static IEnumerable<string> Expand(Queue<string> arguments, List<string> problems)
    {
        var expanded = new List<string>();
        while (arguments.TryDequeue(out var argument))
        {
            var equals = argument.IndexOf('=', StringComparison.Ordinal);
            if (SettingOf(equals < 0 ? argument : argument[..equals]) is not { } setting)
            {
                expanded.Add(argument);
            }
            else if (ValueOf(argument, equals, arguments, problems) is { } value)
            {
                expanded.Add($"--{setting}={value}");
            }
        }

        return expanded;
    }

    /// <summary>The value after the equals sign, or the next argument.</summary>
    public static string? ValueOf(string argument, int equals, Queue<string> rest, List<string> problems)
    {
        var name = equals < 0 ? argument : argument[..equals];
        var value = equals >= 0 ? argument[(equals + 1)..]
            : rest.TryPeek(out var next) && !next.StartsWith("--", StringComparison.Ordinal) ? rest.Dequeue()
            : "";
        if (value.Length > 0)
        {
            return value;
        }

        // An empty value is probably an unset shell variable, and would silently select the default.
        problems.Add($"{name} needs a value: {name} VALUE or {name}=VALUE.");
        return null;
    }

    private static string? SettingOf(string option)
    {
        if (!option.StartsWith("--", StringComparison.Ordinal))
        {
            return null;
        }

        if (Short.TryGetValue(option, out var meant))
        {
            return IsSetting(meant) ? meant : null;
        }

        var name = option[2..].Replace('-', '_');
        return Settings.FirstOrDefault(setting => setting.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    private static bool IsSetting(string name) => Settings.Contains(name);
}
