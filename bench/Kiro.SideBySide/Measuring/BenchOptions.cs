using System.Globalization;

namespace Kiro.SideBySide.Measuring;

/// <summary>The command line.</summary>
/// <param name="IsQuick">Fewer scenarios, fewer and shorter rounds.</param>
/// <param name="Only">Names of proxies; empty for all.</param>
/// <param name="Scenarios">Names of scenarios; empty for all, or for those of a quick run.</param>
/// <param name="Seconds">The duration of each measurement.</param>
/// <param name="Rounds">The number of rounds.</param>
/// <param name="Rate">The constant rate of the equal-load scenario, in requests per second.</param>
internal sealed record BenchOptions(
    bool IsQuick, IReadOnlyList<string> Only, IReadOnlyList<string> Scenarios, double Seconds, int Rounds, int Rate)
{
    public const string Usage = """
        bench/run [--base COMMIT] [--quick] [--only kiro,nginx] [--scenario small-get-64,…] [--seconds 2.5] [--rounds 5] [--rate 3000]
        """;

    private static readonly string[] QuickScenarios =
        [Measuring.Scenarios.Main, Measuring.Scenarios.EqualLoad];

    /// <summary>Whether this is a complete run, for bench/results.md.</summary>
    public bool IsWhole { get; private init; }

    public TimeSpan Window => TimeSpan.FromSeconds(Seconds);

    /// <exception cref="ArgumentException">The message names the argument and what is allowed.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> arguments, IEnumerable<string> proxies)
    {
        var quick = arguments.Contains("--quick");
        var values = new Dictionary<string, string>();
        for (var at = 0; at < arguments.Count; at++)
        {
            if (arguments[at] is "--only" or "--scenario" or "--seconds" or "--rounds" or "--rate" && at + 1 < arguments.Count)
            {
                values[arguments[at]] = arguments[++at];
            }
            else if (arguments[at] != "--quick")
            {
                throw new ArgumentException($"{arguments[at]} is unknown or lacks its value. {Usage}");
            }
        }

        var scenarios = Names(values, "--scenario", Measuring.Scenarios.All.Select(scenario => scenario.Name));
        var only = Names(values, "--only", proxies);
        return new BenchOptions(
            quick,
            only.Count > 0 || !quick ? only : [.. proxies.Except(["kiro-yarp"])],
            scenarios.Count > 0 || !quick ? scenarios : QuickScenarios,
            Number(values, "--seconds", quick ? 1 : 2.5, 0.1, 600),
            (int)Number(values, "--rounds", quick ? 3 : 5, 1, 99),
            (int)Number(values, "--rate", 3000, 1, 1_000_000))
        {
            IsWhole = !quick && only.Count == 0 && scenarios.Count == 0,
        };
    }

    private static List<string> Names(Dictionary<string, string> values, string option, IEnumerable<string> known)
    {
        var names = values.GetValueOrDefault(option, "").Split(',', StringSplitOptions.RemoveEmptyEntries).ToList();
        var unknown = names.Except(known).FirstOrDefault();
        return unknown is null ? names : throw new ArgumentException($"{option} {unknown}: allowed are {string.Join(", ", known)}");
    }

    private static double Number(Dictionary<string, string> values, string option, double fallback, double min, double max)
    {
        if (!values.TryGetValue(option, out var text))
        {
            return fallback;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{option} {text}: a number from {min} to {max}"));
    }
}
