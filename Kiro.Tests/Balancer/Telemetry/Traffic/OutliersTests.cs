using Kiro.Balancer.Backends;
using Kiro.Balancer.Telemetry.Traffic;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Telemetry.Traffic;

public sealed class OutliersTests
{
    [Fact]
    public void Describe_AllAlike_IsSilent() => Assert.Empty(Describe((100, 0, 5), (100, 0, 6), (100, 2, 5)));

    [Fact]
    public void Describe_OneAnswersErrors_NamesItAndTheOthers() =>
        Assert.Equal(["node-2 answers 100 % of its requests with an error (5xx), the other nodes 1 %."], Describe((100, 1, 5), (100, 100, 5), (100, 1, 5)));

    [Fact]
    public void Describe_TheOnlyNodeAnswersErrors_IsNamed() =>
        Assert.Equal(["node-1 answers 50 % of its requests with an error (5xx), the other nodes 0 %."], Describe((100, 50, 5)));

    [Fact]
    public void Describe_AllAnswerErrors_BlamesNobody() =>
        Assert.Equal(["50 % of all requests are answered with an error (5xx), by no node more than by the others."], Describe((100, 50, 5), (100, 50, 5)));

    [Fact]
    public void Describe_AFewResponses_SayNothing() => Assert.Empty(Describe((10, 10, 5), (100, 0, 5)));

    [Fact]
    public void Describe_OneIsSlow_IsNamedWithTheOthersTime()
    {
        var warning = Assert.Single(Describe((100, 0, 20), (100, 0, 1500), (100, 0, 20)));

        Assert.Matches(@"^node-2 is slow: one request in a hundred takes longer than 1\.[4-6] s, on the other nodes \d\d ms \(p99\)\.$", warning);
    }

    [Fact]
    public void Describe_OneIsSlowerButNotSlow_IsSilent() => Assert.Empty(Describe((100, 0, 2), (100, 0, 50)));

    [Theory]
    [InlineData(100, 100, "it answers 100 % of its requests with an error (5xx)")]
    [InlineData(100, 10, "it answers 10 % of its requests with an error (5xx)")]
    [InlineData(100, 9, null)]
    [InlineData(19, 19, null)]
    public void Fault_FromATenthOfEnoughResponses_IsTold(int responses, int errors, string? fault) =>
        Assert.Equal(fault, Outliers.Fault(Traffic(responses, errors, 5)));

    private static List<string> Describe(params (int Responses, int Errors, int Milliseconds)[] nodes) =>
        [.. Outliers.Describe([.. nodes.Select((node, place) => ($"node-{place + 1}", Traffic(node.Responses, node.Errors, node.Milliseconds)))])];

    private static TrafficReading Traffic(int responses, int errors, int milliseconds)
    {
        var traffic = new BackendTraffic(new FakeTimeProvider());
        for (var response = 0; response < responses; response++)
        {
            traffic.Record(response < errors ? 500 : 200, TimeSpan.FromMilliseconds(milliseconds), 0, 0);
        }

        var history = new TrafficHistory(0);
        history.Sample(traffic.Sum());
        return TrafficReading.Of(history, default);
    }
}
