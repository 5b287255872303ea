namespace Kiro.Tests.Monitoring;

public class PromQlTests
{
    [Theory]
    [InlineData("up == 0", "up[]")]
    [InlineData("sum by (le, x) (rate(a_bucket{b=\"c}\", d=~\"$e\"}[$__rate_interval])) / 1e3", "a_bucket[b=c},d]")]
    [InlineData("histogram_quantile(0.99, sum(rate(a_b[5m]))) > 1", "a_b[]")]
    [InlineData("max by (x) (a) != min without (y) (b{c!=\"d\"}) and on (z) c offset 5m", "a[];b[c];c[]")]
    [InlineData("sum(rate(a{route=\"/{**path}\"}[5m])) by (b)", "a[route=/{**path}]")]
    public void Parse_Expression_FindsMetricsAndLabels(string expression, string expected) =>
        Assert.Equal(expected, string.Join(';', PromQl.Parse(expression).Selectors.Select(selector => $"{selector.Metric}[{Matchers(selector)}]")));

    [Fact]
    public void Parse_Grouping_IsFound() =>
        Assert.Equal(["le", "x", "y"], PromQl.Parse("sum by (le, x) (a) + sum without(y) (b)").Grouping);

    private static string Matchers(MetricSelector selector) =>
        string.Join(',', selector.Matchers.Select(matcher => matcher.Value is null ? matcher.Label : $"{matcher.Label}={matcher.Value}"));
}
