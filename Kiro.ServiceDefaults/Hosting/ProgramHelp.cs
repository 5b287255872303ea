using System.Reflection;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>What <c>--help</c> prints.</summary>
internal static class ProgramHelp
{
    /// <param name="summary">What the program does, in one line.</param>
    /// <param name="listen">Its port.</param>
    /// <param name="switches">Those of this program.</param>
    public static string Of(string summary, ListenPort listen, IReadOnlyList<ProgramSwitch> switches) => $"""
        {summary}

        Usage
          {Assembly.GetEntryAssembly()?.GetName().Name} [switches]

        Switches
          --check        look at the settings, print those in force and where each comes
                         from, and end: 0 when all can be used, else 1
          --health       ask the service that runs here for its health: 0 when it is well
          --alive        the same, whether it runs at all
        {string.Concat(switches.Select(Line))}  --NAME=value   set a variable; wins over the environment
          --help, --version

        Variables come from the environment, or from a .env file here or in a parent
        folder. {listen.Variable} is the port, {listen.Port} unless it is set. .env.example lists them
        all, and --check those that this program reads.

        SIGTERM lets it drain first, Ctrl-C does not wait.

        Exit codes
          0    a clean stop, or the response is yes
          1    a switch, a variable or the port cannot be used, or the response is no
        """;

    private static string Line(ProgramSwitch own) =>
        $"  {own.Name,-12}   {own.Help.Replace("\n", "\n                 ", StringComparison.Ordinal)}\n";
}
