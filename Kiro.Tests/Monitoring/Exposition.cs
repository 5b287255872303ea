using System.Text.RegularExpressions;

namespace Kiro.Tests.Monitoring;

/// <summary>What a service's <c>/metrics</c> offers: per metric its series, each with its labels.</summary>
internal sealed partial class Exposition
{
    private readonly Dictionary<string, List<Dictionary<string, string>>> _series = [];

    public void Add(string text)
    {
        foreach (var match in Series().Matches(text).Cast<Match>())
        {
            var labels = Label().Matches(match.Groups["labels"].Value).ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value);
            if (!_series.TryGetValue(match.Groups["name"].Value, out var all))
            {
                _series[match.Groups["name"].Value] = all = [];
            }

            all.Add(labels);
        }
    }

    public bool Has(string metric) => _series.ContainsKey(metric);

    public bool HasLabel(string metric, string label) => _series[metric].Any(labels => labels.ContainsKey(label));

    public bool HasValue(string metric, string label, string value) => _series[metric].Any(labels => labels.GetValueOrDefault(label) == value);

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>(?:[^}""]|""(?:\\.|[^""\\])*"")*)\})? \S+", RegexOptions.Multiline)]
    private static partial Regex Series();

    [GeneratedRegex(@"(?<name>\w+)=""(?<value>(?:\\.|[^""\\])*)""")]
    private static partial Regex Label();
}
