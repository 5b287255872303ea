using Kiro.Tests.Support;

namespace Kiro.Tests.Monitoring;

/// <summary>Every metric and label in docs/monitoring is there in a balancer and an API that have had some traffic.</summary>
public class MonitoringTests
{
    // Set by Prometheus itself.
    private static readonly string[] OfPrometheus = ["job", "instance"];

    [Fact]
    public async Task Expressions_OfDashboardAndAlerts_FindTheirSeries()
    {
        var metrics = await ScrapeAsync();
        var (dashboard, alerts, variables) = (MonitoringFiles.Dashboard(), MonitoringFiles.Alerts(), MonitoringFiles.Variables());
        Assert.True(dashboard.Count >= 30 && alerts.Count >= 15 && variables.Count == 2, "the files are read");

        Assert.Equal([], dashboard.Concat(alerts).SelectMany(expression => Problems(metrics, expression)).Distinct());
        Assert.Equal([], variables.SelectMany(query => Problems(metrics, query[query.IndexOf('(', StringComparison.Ordinal)..query.LastIndexOf(',')] + ")")
            .Concat(Missing(metrics, PromQl.Parse(query).Selectors[0].Metric, query[(query.LastIndexOf(',') + 1)..].Trim(' ', ')')))));
    }

    [Theory]
    [InlineData("kiro_no_such_metric > 0", "kiro_no_such_metric is no metric")]
    [InlineData("kiro_backend_up{node=\"a\"}", "kiro_backend_up has no label node")]
    [InlineData("kiro_balancer_backends{state=\"gone\"}", "kiro_balancer_backends has no state=gone")]
    [InlineData("sum by (node) (kiro_backend_up)", "no metric in it has a label node")]
    public async Task Expressions_ThatFindNothing_AreSeen(string expression, string problem)
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
                yield return $"{selector.Metric} is no metric: {expression}";
                continue;
            }

            foreach (var (label, value) in selector.Matchers.Where(matcher => !OfPrometheus.Contains(matcher.Label)))
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

        foreach (var label in parsed.Grouping.Except(OfPrometheus))
        {
            if (!parsed.Selectors.Any(selector => metrics.Has(selector.Metric) && metrics.HasLabel(selector.Metric, label)))
            {
                yield return $"no metric in it has a label {label}: {expression}";
            }
        }
    }

    private static string[] Missing(Exposition metrics, string metric, string label) =>
        OfPrometheus.Contains(label) || metrics.HasLabel(metric, label) ? [] : [$"{metric} has no label {label}"];

    private static async Task<Exposition> ScrapeAsync()
    {
        await using var cluster = await ProcessCluster.StartAsync(running: 2);
        using var http = new HttpClient();
        for (var client = 0; client < 20; client++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{cluster.Port}/api/client-ip"));
            request.Headers.Add("X-Forwarded-For", $"203.0.113.{client}");
            using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode);
        }

        var metrics = new Exposition();
        foreach (var port in (int[])[cluster.Port, cluster.FirstPort])
        {
            metrics.Add(await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"), TestContext.Current.CancellationToken));
        }

        return metrics;
    }
}
