using System.Text.RegularExpressions;
using Kiro.Tests.Support;

namespace Kiro.Tests.Monitoring;

/// <summary>Every metric and label used in docs/monitoring is exported by a balancer and an API that have had some traffic.</summary>
public class MonitoringTests
{
    // Set by Prometheus itself.
    private static readonly string[] ScrapeLabels = ["job", "instance"];

    [Fact]
    public async Task Expressions_OfDashboardAndAlerts_MatchSeries()
    {
        var metrics = await ScrapeAsync();
        var (dashboard, alerts, variables) = (MonitoringFiles.Dashboard(), MonitoringFiles.Alerts(), MonitoringFiles.Variables());
        Assert.True(dashboard.Count >= 30 && alerts.Count >= 15 && variables.Count == 2, "the files contain expressions");

        Assert.Equal([], dashboard.Concat(alerts).SelectMany(expression => Problems(metrics, expression)).Distinct());
        Assert.Equal([], variables.SelectMany(query => Problems(metrics, query[query.IndexOf('(', StringComparison.Ordinal)..query.LastIndexOf(',')] + ")")
            .Concat(Missing(metrics, PromQl.Parse(query).Selectors[0].Metric, query[(query.LastIndexOf(',') + 1)..].Trim(' ', ')')))));
    }

    [Theory]
    [InlineData("kiro_no_such_metric > 0", "kiro_no_such_metric is not a metric")]
    [InlineData("kiro_backend_up{node=\"a\"}", "kiro_backend_up has no label node")]
    [InlineData("kiro_balancer_backends{state=\"gone\"}", "kiro_balancer_backends has no state=gone")]
    [InlineData("sum by (node) (kiro_backend_up)", "no metric in it has a label node")]
    public async Task Expressions_WithoutSeries_AreReported(string expression, string problem)
    {
        var metrics = new Exposition();
        await using var node = await TestBackend.StartAsync();
        await using var balancer = await BalancerInProcess.Start($"BACKEND_HOSTS=127.0.0.1:{node.Port}");
        metrics.Add(await balancer.Http.GetStringAsync("/metrics", TestContext.Current.CancellationToken));

        Assert.Equal([$"{problem}: {expression}"], Problems(metrics, expression));
    }

    private static IEnumerable<string> Problems(Exposition metrics, string expression)
    {
        var parsed = PromQl.Parse(expression);
        foreach (var selector in parsed.Selectors.Where(selector => selector.Metric != "up"))
        {
            if (!metrics.Has(selector.Metric))
            {
                yield return $"{selector.Metric} is not a metric: {expression}";
                continue;
            }

            foreach (var (label, value) in selector.Matchers.Where(matcher => !ScrapeLabels.Contains(matcher.Label)))
            {
                if (!metrics.HasLabel(selector.Metric, label))
                {
                    yield return $"{selector.Metric} has no label {label}: {expression}";
                }
                else if (value is not null && !metrics.HasValue(selector.Metric, label, value))
                {
                    yield return $"{selector.Metric} has no {label}={value}: {expression}";
                }
            }
        }

        foreach (var label in parsed.Grouping.Except(ScrapeLabels))
        {
            if (!parsed.Selectors.Any(selector => metrics.Has(selector.Metric) && metrics.HasLabel(selector.Metric, label)))
            {
                yield return $"no metric in it has a label {label}: {expression}";
            }
        }
    }

    private static string[] Missing(Exposition metrics, string metric, string label) =>
        ScrapeLabels.Contains(label) || metrics.HasLabel(metric, label) ? [] : [$"{metric} has no label {label}"];

    private static async Task<Exposition> ScrapeAsync()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 2);
        await cluster.SendAsync(clients: 20);
        using var http = new HttpClient();

        var metrics = new Exposition();
        foreach (var port in (int[])[cluster.Port, cluster.FirstPort])
        {
            metrics.Add(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), TestContext.Current.CancellationToken));
        }

        return metrics;
    }
}

/// <summary>The series in the Prometheus text of <c>/metrics</c>: the labels of each series, by metric.</summary>
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
