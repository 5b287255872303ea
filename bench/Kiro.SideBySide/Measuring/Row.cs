using Kiro.SideBySide.Load;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>One proxy in one scenario.</summary>
internal sealed class Row(Proxy proxy)
{
    private readonly Dictionary<int, Measurement> _rounds = [];

    public Proxy Proxy { get; } = proxy;

    /// <summary>Why the measurement failed.</summary>
    public string? Failure { get; set; }

    public bool IsMeasured => _rounds.Count > 0;

    public LoadErrors Errors => _rounds.Values.Aggregate(default(LoadErrors), (sum, round) => sum + round.Load.Errors);

    /// <summary>Due requests that were waiting at the end of a round; a few are normal.</summary>
    private long Overdue => _rounds.Values.Sum(round => round.Load.Overdue);

    /// <summary>A note for its figures, or empty.</summary>
    public string Note => string.Join("; ", new[]
    {
        Failure,
        Errors.Total > 0 ? Errors.ToString() : null,
        Overdue > 0.01 * _rounds.Values.Sum(round => round.Load.Responses) ? $"did not carry the rate: {Overdue} requests late" : null,
    }.OfType<string>());

    public void Add(int round, Measurement measurement) => _rounds[round] = measurement;

    /// <returns>The median of the rounds, or null without rounds.</returns>
    public double? Typical(Func<Measurement, double> figure) => Median.Of(_rounds.Values.Select(figure));

    /// <summary>
    /// The ratio of this row's figure to another's per round, so that disturbances of the machine, which affect both,
    /// cancel out.
    /// </summary>
    public IReadOnlyList<double> Ratios(Row other, Func<Measurement, double> figure) =>
        [.. _rounds.Where(round => other._rounds.ContainsKey(round.Key)).Select(round => figure(round.Value) / figure(other._rounds[round.Key]))];

    /// <returns>The median of the ratios, or null without a common round.</returns>
    public double? Ratio(Row? other, Func<Measurement, double> figure) => other is null ? null : Median.Of(Ratios(other, figure));
}

/// <summary>The results of one scenario.</summary>
internal sealed record ScenarioResult(Scenario Scenario, IReadOnlyList<Row> Rows)
{
    /// <summary>The reference for ratios; null if it was not measured.</summary>
    public Row? Reference => Of(AllProxies.Reference);

    public Row? Of(string proxy) => Rows.FirstOrDefault(row => row.Proxy.Name == proxy && row.IsMeasured);
}

internal static class Median
{
    /// <returns>The median, or null without values.</returns>
    public static double? Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? null : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
