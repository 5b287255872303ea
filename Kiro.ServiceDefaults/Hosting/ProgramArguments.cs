using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>The command line of a service.</summary>
/// <param name="Task">What it asks for.</param>
/// <param name="Settings">What it sets, as <c>--NAME=value</c>.</param>
internal sealed record ProgramArguments(ProgramTask Task, string[] Settings)
{
    /// <summary>Reads a command line.</summary>
    /// <param name="arguments">Switches, and settings as <c>--NAME=value</c>, which win over the environment.</param>
    /// <param name="switches">Those of this program.</param>
    /// <exception cref="InvalidSettingsException">One line for each argument that is not known.</exception>
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
                problems.Add($"Unknown argument: {argument}.{meant} --help lists what there is.");
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

/// <summary>What a program is started for.</summary>
internal enum ProgramTask
{
    /// <summary>To serve.</summary>
    Run,

    /// <summary>To say how it is used.</summary>
    Help,

    /// <summary>To say which version it is.</summary>
    Version,

    /// <summary>To look at the settings and say which are in force.</summary>
    Check,

    /// <summary>To ask the service that runs here for its health.</summary>
    Health,

    /// <summary>To ask it whether it lives.</summary>
    Alive,
}

/// <summary>A switch that one program has, besides those of all.</summary>
/// <param name="Name">As on the command line: <c>--takeover</c>.</param>
/// <param name="Variable">Which is 1 in the configuration when the switch is given.</param>
/// <param name="Help">What it does, for <c>--help</c>.</param>
public sealed record ProgramSwitch(string Name, string Variable, string Help);
