using Kiro.SideBySide.Load;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>One proxy in one scenario.</summary>
internal sealed class Row(Proxy proxy)
{
    private readonly Dictionary<int, Measurement> _rounds = [];

    public Proxy Proxy { get; } = proxy;

    /// <summary>Why it was not measured, or not to the end.</summary>
    public string? Failure { get; set; }

    public bool IsMeasured => _rounds.Count > 0;

    public LoadErrors Errors => _rounds.Values.Aggregate(default(LoadErrors), (sum, round) => sum + round.Load.Errors);

    /// <summary>Requests of a constant rate that were waiting when a round was over. A few may always be.</summary>
    private long Overdue => _rounds.Values.Sum(round => round.Load.Overdue);

    /// <summary>What has to be said beside its figures, or an empty text.</summary>
    public string Note => string.Join("; ", new[]
    {
        Failure,
        Errors.Total > 0 ? Errors.ToString() : null,
        Overdue > 0.01 * _rounds.Values.Sum(round => round.Load.Answers) ? $"did not carry the rate: {Overdue} requests late" : null,
    }.OfType<string>());

    public void Add(int round, Measurement measurement) => _rounds[round] = measurement;

    /// <returns>The middle of the rounds, or null when there are none.</returns>
    public double? Typical(Func<Measurement, double> figure) => Median.Of(_rounds.Values.Select(figure));

    /// <summary>
    /// This row's figure in parts of another's, taken round by round: what the machine did meanwhile to both of them
    /// falls out.
    /// </summary>
    public IReadOnlyList<double> Ratios(Row other, Func<Measurement, double> figure) =>
        [.. _rounds.Where(round => other._rounds.ContainsKey(round.Key)).Select(round => figure(round.Value) / figure(other._rounds[round.Key]))];

    /// <returns>The middle of the ratios, or null when the two have no round in common.</returns>
    public double? Ratio(Row? other, Func<Measurement, double> figure) => other is null ? null : Median.Of(Ratios(other, figure));
}
