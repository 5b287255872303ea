using System.Text.RegularExpressions;

namespace Kiro.Tests.Monitoring;

/// <summary>The metrics and labels that a PromQL expression uses. It knows the syntax that Kiro's files use, not all of it.</summary>
/// <param name="Selectors">Each metric with the labels that it is selected by, and the values where they must be equal.</param>
/// <param name="Grouping">Labels in <c>by (…)</c> and <c>without (…)</c>.</param>
internal sealed partial record PromQl(IReadOnlyList<MetricSelector> Selectors, IReadOnlyList<string> Grouping)
{
    private static readonly string[] Words = ["and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"];

    public static PromQl Parse(string expression)
    {
        var grouping = GroupingClause().Matches(expression)
            .SelectMany(match => match.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToArray();
        var rest = GroupingClause().Replace(expression, " ");
        var selectors = Selector().Matches(rest)
            .Where(match => match.Groups["name"].Success && !Words.Contains(match.Groups["name"].Value) && !match.Groups["call"].Success)
            .Select(match => new MetricSelector(match.Groups["name"].Value, [.. Matcher().Matches(match.Groups["matchers"].Value)
                .Select(matcher => (matcher.Groups["label"].Value, matcher.Groups["op"].Value == "=" ? matcher.Groups["value"].Value : null))]))
            .ToArray();
        return new PromQl(selectors, grouping);
    }

    [GeneratedRegex(@"\b(by|without|on|ignoring)\s*\((?<labels>[^)]*)\)")]
    private static partial Regex GroupingClause();

    // A name that no number and no variable runs into, its matchers if any; or a function with its parenthesis. Ranges are skipped.
    [GeneratedRegex(@"\[[^\]]*\]|(?<![\w$.])(?<name>[a-zA-Z_:][\w:]*)\s*(?:(?<call>\()|\{(?<matchers>(?:[^}""]|""[^""]*"")*)\})?")]
    private static partial Regex Selector();

    [GeneratedRegex(@"(?<label>\w+)\s*(?<op>=~|!~|!=|=)\s*""(?<value>[^""]*)""")]
    private static partial Regex Matcher();
}
