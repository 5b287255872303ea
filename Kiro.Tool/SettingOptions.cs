using Kiro.Balancer;

namespace Kiro.Tool;

/// <summary>Settings as options: <c>--health-path /healthz</c> is <c>HEALTH_PATH=/healthz</c>, and wins over the environment.</summary>
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

    /// <summary>The options that there are, with the setting that each stands for; the short ones first.</summary>
    public static IEnumerable<(string Option, string Setting)> All =>
        [.. Short.Where(pair => IsSetting(pair.Value)).Select(pair => (pair.Key, pair.Value)),
         .. Settings.Where(name => !name.Contains("__", StringComparison.Ordinal)).Select(name => ("--" + name.ToLowerInvariant().Replace('_', '-'), name))];

    /// <summary>Turns options into what the balancer takes. What is none is left for it to judge.</summary>
    /// <param name="arguments">What is left of the command line.</param>
    /// <param name="problems">Gets a line for an option without its value.</param>
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

    /// <summary>What stands behind an option's equals sign, or else the next argument.</summary>
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

        // An empty one is a variable of the shell that is not set, and would leave the setting at its default.
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
