using Kiro.Balancer.Backends;
using Kiro.Balancer.Telemetry.Traffic;

namespace Kiro.Tests.Balancer.Telemetry.Traffic;

public sealed class RecentResponsesTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);

    private readonly RecentResponses _recent = new();
    private ResponseCounts _total;
    private TimeSpan? _upSince = TimeSpan.Zero;
    private int _second;

    [Fact]
    public void FailingSince_FewerResponsesThanSayAnything_IsNull()
    {
        Pass(seconds: 19, good: 0, bad: 1);
        Assert.Null(_recent.FailingSince);

        Pass(seconds: 1, good: 0, bad: 1);
        Assert.Equal(Start.AddSeconds(20), _recent.FailingSince);
    }

    [Fact]
    public void FailingSince_ErrorsGoOn_StaysTheSame()
    {
        Pass(seconds: 120, good: 8, bad: 2);

        Assert.Equal(Start.AddSeconds(2), _recent.FailingSince);
    }

    [Fact]
    public void FailingSince_LittleTrafficAndGoodResponses_EndsWithTheLastTwenty()
    {
        Sparse(responses: 25, everySeconds: 5, bad: true);
        Assert.NotNull(_recent.FailingSince);

        Sparse(responses: 18, everySeconds: 5, bad: false);
        Assert.NotNull(_recent.FailingSince);

        Sparse(responses: 1, everySeconds: 5, bad: false);
        Assert.Equal((null, new ResponseCounts(20, 1)), (_recent.FailingSince, _recent.Counts));
    }

    [Fact]
    public void FailingSince_MuchTrafficAndGoodResponses_EndsWithinTenSeconds()
    {
        Pass(seconds: 60, good: 0, bad: 100);
        Pass(seconds: 10, good: 100, bad: 0);

        Assert.Equal((null, new ResponseCounts(1000, 0)), (_recent.FailingSince, _recent.Counts));
    }

    [Fact]
    public void FailingSince_NoMoreTraffic_EndsAfterFiveMinutes()
    {
        Pass(seconds: 5, good: 0, bad: 10);
        Pass(seconds: 294, good: 0, bad: 0);
        Assert.NotNull(_recent.FailingSince);

        Pass(seconds: 6, good: 0, bad: 0);
        Assert.Equal((null, default), (_recent.FailingSince, _recent.Counts));
    }

    [Fact]
    public void FailingSince_TheNodeWasRestarted_EndsAtOnce()
    {
        Pass(seconds: 60, good: 0, bad: 1);
        _upSince = null;
        Pass(seconds: 2, good: 0, bad: 0);

        _upSince = TimeSpan.FromSeconds(62);
        Pass(seconds: 1, good: 1, bad: 0);

        Assert.Equal((null, new ResponseCounts(1, 0)), (_recent.FailingSince, _recent.Counts));
    }

    private void Sparse(int responses, int everySeconds, bool bad)
    {
        for (var response = 0; response < responses; response++)
        {
            Pass(everySeconds - 1, 0, 0);
            Pass(1, bad ? 0 : 1, bad ? 1 : 0);
        }
    }

    private void Pass(int seconds, int good, int bad)
    {
        for (var second = 0; second < seconds; second++)
        {
            _total += new ResponseCounts(good + bad, bad);
            _recent.Sample(_total, _upSince, Start.AddSeconds(++_second));
        }
    }
}
