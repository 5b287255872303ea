using System.Reflection;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Hosting;

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
