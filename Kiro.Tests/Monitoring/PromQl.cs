using System.Text.RegularExpressions;

namespace Kiro.Tests.Monitoring;

/// <summary>The metrics and labels used in a PromQL expression. Parses only the syntax that Kiro's files use.</summary>
/// <param name="Selectors">Each metric with its label matchers.</param>
/// <param name="Grouping">The labels in <c>by (…)</c>, <c>without (…)</c>, <c>on (…)</c> and <c>ignoring (…)</c>.</param>
internal sealed partial record PromQl(IReadOnlyList<MetricSelector> Selectors, IReadOnlyList<string> Grouping)
{
    private static readonly string[] Keywords = ["and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"];

    public static PromQl Parse(string expression)
    {
        var grouping = GroupingClause().Matches(expression)
            .SelectMany(match => match.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToArray();
        var rest = GroupingClause().Replace(expression, " ");
        var selectors = Selector().Matches(rest)
            .Where(match => match.Groups["name"].Success && !Keywords.Contains(match.Groups["name"].Value) && !match.Groups["call"].Success)
            .Select(match => new MetricSelector(match.Groups["name"].Value, [.. Matcher().Matches(match.Groups["matchers"].Value)
                .Select(matcher => (matcher.Groups["label"].Value, matcher.Groups["op"].Value == "=" ? matcher.Groups["value"].Value : null))]))
            .ToArray();
        return new PromQl(selectors, grouping);
    }

    [GeneratedRegex(@"\b(by|without|on|ignoring)\s*\((?<labels>[^)]*)\)")]
    private static partial Regex GroupingClause();

    // A metric name, not part of a number or variable, with its matchers if any; or a function call. Ranges are skipped.
    [GeneratedRegex(@"\[[^\]]*\]|(?<![\w$.])(?<name>[a-zA-Z_:][\w:]*)\s*(?:(?<call>\()|\{(?<matchers>(?:[^}""]|""[^""]*"")*)\})?")]
    private static partial Regex Selector();

    [GeneratedRegex(@"(?<label>\w+)\s*(?<op>=~|!~|!=|=)\s*""(?<value>[^""]*)""")]
    private static partial Regex Matcher();
}

/// <summary>A metric in a PromQL expression.</summary>
/// <param name="Metric">Its name.</param>
/// <param name="Matchers">The labels matched; the value for <c>=</c>, null for other operators.</param>
internal sealed record MetricSelector(string Metric, IReadOnlyList<(string Label, string? Value)> Matchers);
