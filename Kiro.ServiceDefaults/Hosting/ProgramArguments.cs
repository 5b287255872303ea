using System.Reflection;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>The command line of a service.</summary>
/// <param name="Task">What to do.</param>
/// <param name="Settings">Settings given as <c>--NAME=value</c>.</param>
internal sealed record ProgramArguments(ProgramTask Task, string[] Settings)
{
    /// <summary>Parses a command line.</summary>
    /// <param name="arguments">Switches, and settings as <c>--NAME=value</c>, which override the environment.</param>
    /// <param name="switches">The switches of this program.</param>
    /// <exception cref="InvalidSettingsException">One line for each unknown argument.</exception>
    public static ProgramArguments Parse(IReadOnlyList<string> arguments, IReadOnlyList<ProgramSwitch> switches)
    {
        var (task, settings, problems) = (ProgramTask.Run, new List<string>(), new List<string>());
        foreach (var argument in arguments)
        {
            ProgramTask? asked = argument switch
            {
                "--help" or "-h" or "-?" => ProgramTask.Help,
                "--version" => ProgramTask.Version,
                "--check" => ProgramTask.Check,
                "--health" => ProgramTask.Health,
                "--alive" => ProgramTask.Alive,
                _ => null,
            };
            if (switches.FirstOrDefault(own => own.Name == argument) is { } given)
            {
                settings.Add($"--{given.Variable}=1");
            }
            else if (asked is null && !IsSetting(argument, out var meant))
            {
                problems.Add($"Unknown argument: {argument}.{meant} See --help.");
            }
            else if (asked is null)
            {
                settings.Add(argument);
            }

            task = asked ?? task;
        }

        return problems.Count > 0 ? throw new InvalidSettingsException(problems) : new ProgramArguments(task, [.. settings]);
    }

    private static bool IsSetting(string argument, out string meant)
    {
        meant = "";
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        if (equals < 3 || !argument.StartsWith("--", StringComparison.Ordinal))
        {
            return false;
        }

        var name = argument[2..equals];
        if (KnownSettings.All.Contains(name, StringComparer.OrdinalIgnoreCase) || KnownSettings.IsOfTheFramework(name))
        {
            return true;
        }

        meant = LookAlikes.Meant(name) is { } known ? $" Did you mean --{known}=…?" : "";
        return false;
    }
}

/// <summary>What a program is started to do.</summary>
internal enum ProgramTask
{
    /// <summary>Serve.</summary>
    Run,

    /// <summary><c>--help</c></summary>
    Help,

    /// <summary><c>--version</c></summary>
    Version,

    /// <summary><c>--check</c>: validate and print the effective settings.</summary>
    Check,

    /// <summary><c>--health</c>: query the health of the local service.</summary>
    Health,

    /// <summary><c>--alive</c>: query whether it runs.</summary>
    Alive,
}

/// <summary>A switch of a single program.</summary>
/// <param name="Name">As on the command line: <c>--takeover</c>.</param>
/// <param name="Variable">Set to 1 in the configuration if the switch is given.</param>
/// <param name="Help">Its description in <c>--help</c>.</param>
public sealed record ProgramSwitch(string Name, string Variable, string Help);

/// <summary>What <c>--help</c> prints.</summary>
internal static class ProgramHelp
{
    /// <param name="summary">What the program does, in one line.</param>
    /// <param name="listen">Its port.</param>
    /// <param name="switches">The switches of this program.</param>
    public static string Of(string summary, ListenPort listen, IReadOnlyList<ProgramSwitch> switches) => $"""
        {summary}

        Usage
          {Assembly.GetEntryAssembly()?.GetName().Name} [switches]

        Switches
          --check        validate the settings, print the effective ones and their
                         sources, and exit: 0 if all are valid, otherwise 1
          --health       check the health of the local service: 0 if it is healthy
          --alive        check whether it runs
        {string.Concat(switches.Select(Line))}  --NAME=value   set a variable; overrides the environment
          --help, --version

        Variables come from the environment, or from a .env file in the current or a parent
        folder. {listen.Variable} is the port (default {listen.Port}). .env.example lists all
        variables, --check those of this program.

        SIGTERM drains before stopping, Ctrl-C does not.

        Exit codes
          0    clean stop, or successful check
          1    invalid switch, variable or port, or failed check
        """;

    private static string Line(ProgramSwitch own) =>
        $"  {own.Name,-12}   {own.Help.Replace("\n", "\n                 ", StringComparison.Ordinal)}\n";
}
