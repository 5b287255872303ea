using Kiro.Cluster.Status;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.Cluster.Settings;

/// <summary>The runner's command line.</summary>
/// <param name="Task">What to do.</param>
/// <param name="Balancer">Whether to start the balancer.</param>
/// <param name="Plain">Print lines instead of the live table.</param>
/// <param name="Status">The options of <c>status</c>.</param>
/// <param name="Settings">The runner's variables given as <c>--NAME=value</c>, which override the environment.</param>
internal sealed record RunnerArguments(
    RunnerTask Task, bool Balancer, bool Plain, StatusOptions Status, IReadOnlyDictionary<string, string?> Settings)
{
    private const string StatusCommand = "status";

    /// <exception cref="InvalidSettingsException">One line per unknown argument.</exception>
    public static RunnerArguments Parse(IReadOnlyList<string> arguments)
    {
        var parsed = new RunnerArguments(RunnerTask.Run, true, false, new StatusOptions(null, false, false), new Dictionary<string, string?>());
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var problems = new List<string>();
        var isStatus = arguments.Count > 0 && arguments[0] == StatusCommand;
        var rest = new Queue<string>(isStatus ? arguments.Skip(1) : arguments);
        while (rest.TryDequeue(out var argument))
        {
            if (isStatus && argument is "--url" or "--client" or "--key")
            {
                if (!rest.TryDequeue(out var value))
                {
                    problems.Add($"{argument} needs a value: {argument} VALUE or {argument}=VALUE.");
                    continue;
                }

                argument = $"{argument}={value}";
            }

            parsed = argument switch
            {
                "--help" or "-h" or "-?" => parsed with { Task = RunnerTask.Help },
                "--version" => parsed with { Task = parsed.Task is RunnerTask.Help ? RunnerTask.Help : RunnerTask.Version },
                "--plain" => parsed with { Plain = true },
                "--no-balancer" when !isStatus => parsed with { Balancer = false },
                "--watch" when isStatus => parsed with { Status = parsed.Status with { Watch = true } },
                "--json" when isStatus => parsed with { Status = parsed.Status with { Json = true } },
                _ when isStatus && argument.StartsWith("--url=", StringComparison.Ordinal) =>
                    parsed with { Status = parsed.Status with { Url = Address(argument["--url=".Length..], problems) } },
                _ when isStatus && argument.StartsWith("--client=", StringComparison.Ordinal) =>
                    parsed with { Status = parsed.Status with { Client = argument["--client=".Length..] } },
                _ when isStatus && argument.StartsWith("--key=", StringComparison.Ordinal) =>
                    parsed with { Status = parsed.Status with { Key = argument["--key=".Length..] } },
                _ => Setting(argument, isStatus, settings, problems, parsed),
            };
        }

        return problems.Count > 0 ? throw new InvalidSettingsException(problems)
            : parsed with { Task = isStatus && parsed.Task == RunnerTask.Run ? RunnerTask.Status : parsed.Task, Settings = settings };
    }

    private static RunnerArguments Setting(
        string argument, bool isStatus, Dictionary<string, string?> settings, List<string> problems, RunnerArguments parsed)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (ClusterSettings.Names.FirstOrDefault(name =>
            equals > 0 && argument[..equals].Equals("--" + name, StringComparison.OrdinalIgnoreCase)) is { } name)
        {
            settings[name] = argument[(equals + 1)..];
        }
        else
        {
            problems.Add($"Unknown argument{(isStatus ? " of status" : "")}: {argument}. See --help.");
        }

        return parsed;
    }

    private static Uri? Address(string text, List<string> problems)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Query.Length + url.UserInfo.Length == 0)
        {
            return url;
        }

        problems.Add($"--url={text} is not valid: expected the address of a balancer, such as http://127.0.0.1:13003.");
        return null;
    }
}

/// <summary>The command.</summary>
internal enum RunnerTask
{
    /// <summary>Run a cluster.</summary>
    Run,

    /// <summary><c>status</c>: show a running one.</summary>
    Status,

    /// <summary><c>--help</c></summary>
    Help,

    /// <summary><c>--version</c></summary>
    Version,
}

/// <summary>The sources of the runner's settings: the environment, overridden by the command line.</summary>
internal static class RunnerConfiguration
{
    public static IConfigurationRoot Build(RunnerArguments arguments) => new ConfigurationBuilder()
        .AddEnvironmentVariables()
        .AddInMemoryCollection(arguments.Settings)
        .Build();
}
