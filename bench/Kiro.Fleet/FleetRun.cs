using System.Globalization;

namespace Kiro.Fleet;

/// <summary>All scenarios, from the command line to the report.</summary>
internal static class FleetRun
{
    /// <returns>0, or 2 for invalid arguments.</returns>
    public static int Start(IReadOnlyList<string> arguments)
    {
        if (arguments.Count > 1 || arguments.Any(argument => argument.StartsWith('-')))
        {
            Console.Error.WriteLine("dotnet run -c Release --project bench/Kiro.Fleet [-- FOLDER]");
            return 2;
        }

        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var fleet = new SimulatedFleet(FleetSize.Large, seed: 1);
        var all = new List<Findings>();
        foreach (var scenario in Scenario.All)
        {
            var found = Observation.Run(scenario, fleet);
            Console.WriteLine($"{scenario.Name}: {scenario.Title}");
            Console.WriteLine($"  must move {found.MustMove:P2}, moved {found.Moved:P2}; wrong at most {found.MaxWrong:P2}, in {found.SecondsWrong} s; disagree at most {found.MaxSplit:P2}");
            all.Add(found);
        }

        var folder = arguments.Count == 1 ? arguments[0] : "bench";
        File.WriteAllText(Path.Combine(folder, "fleet.md"), FleetReport.Markdown(all, Costs.Measure(FleetSize.Large)));
        File.WriteAllText(Path.Combine(folder, "fleet.svg"), FleetReport.Chart(all));
        return 0;
    }
}
