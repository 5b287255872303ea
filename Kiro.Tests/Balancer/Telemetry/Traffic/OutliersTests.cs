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
        Assert.Equal(["100 % of the responses from node-2 are errors (5xx), compared with 1 % from the other nodes."], Describe((100, 1, 5), (100, 100, 5), (100, 1, 5)));

    [Fact]
    public void Describe_TheOnlyNodeAnswersErrors_IsNamed() =>
        Assert.Equal(["50 % of the responses from node-1 are errors (5xx)."], Describe((100, 50, 5)));

    [Fact]
    public void Describe_AllAnswerErrors_BlamesNobody() =>
        Assert.Equal(["50 % of all responses are errors (5xx), and no node stands out."], Describe((100, 50, 5), (100, 50, 5)));

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
    [InlineData(100, 100, "100 % of its responses are errors (5xx)")]
    [InlineData(100, 10, "10 % of its responses are errors (5xx)")]
    [InlineData(100, 9, null)]
    [InlineData(19, 19, null)]
    public void Fault_FromATenthOfEnoughResponses_IsTold(int responses, int errors, string? fault) =>
        Assert.Equal(fault, Traffic(responses, errors, 5) is { FailingSince: not null } traffic ? Outliers.Fault(traffic.Recent) : null);

    [Fact]
    public void Describe_OneWasSlow_IsSilentOnceItsNewestResponsesAreQuick()
    {
        var (slow, quick) = (Gradual(1500), Gradual(20));
        Assert.Single(Describe(slow, quick));

        slow.Pass(responses: 20, milliseconds: 20);

        Assert.Empty(Describe(slow, quick));
    }

    [Fact]
    public void Describe_OneSlowResponseOfFew_IsChance()
    {
        var (slow, quick) = (Gradual(20), Gradual(20));

        slow.Pass(responses: 1, milliseconds: 1500);
        Assert.Empty(Describe(slow, quick));

        slow.Pass(responses: 1, milliseconds: 1500);
        Assert.Matches(@"^node-1 is slow: one request in 37 takes longer than 1\.[4-6] s, on the other nodes \d\d ms\.$", Assert.Single(Describe(slow, quick)));
    }

    private static List<string> Describe(params Steady[] nodes) =>
        [.. Outliers.Describe([.. nodes.Select((node, place) => ($"node-{place + 1}", node.Reading))])];

    // Three responses per ten seconds, for three minutes.
    private static Steady Gradual(int milliseconds)
    {
        var node = new Steady();
        for (var turn = 0; turn < 18; turn++)
        {
            node.Pass(responses: 3, milliseconds);
        }

        return node;
    }

    private sealed class Steady
    {
        private readonly BackendTraffic _traffic = new(new FakeTimeProvider());
        private readonly TrafficHistory _history = new(TrafficWatch.MaxNodePoints);

        public TrafficReading Reading => TrafficReading.Of(_history, default);

        /// <summary>Responses in one second, then nine seconds without.</summary>
        public void Pass(int responses, int milliseconds)
        {
            for (var response = 0; response < responses; response++)
            {
                _traffic.Record(200, TimeSpan.FromMilliseconds(milliseconds), 0, 0);
            }

            for (var second = 0; second < TrafficHistory.PointSeconds; second++)
            {
                _history.Sample(_traffic.Sum());
            }

            // One more second, so that the next ten do not include these.
            _history.Sample(_traffic.Sum());
        }
    }

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
        var sum = traffic.Sum();
        history.Sample(sum);
        history.Recent.Sample(new ResponseCounts(sum.Responses, sum.Errors), null, default);
        return TrafficReading.Of(history, default);
    }
}
