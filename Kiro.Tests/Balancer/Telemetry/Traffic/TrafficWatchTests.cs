using Kiro.Balancer.Backends;
using Kiro.Balancer.Telemetry.Traffic;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Telemetry.Traffic;

public sealed class TrafficWatchTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly BackendRegistry _registry;
    private readonly OwnResponses _own = new();
    private readonly TrafficWatch _watch;

    public TrafficWatchTests()
    {
        _registry = Registries.Up(2, _time);
        _watch = new TrafficWatch(_registry, _own, _time);
    }

    public async ValueTask InitializeAsync() => await _watch.StartAsync(TestContext.Current.CancellationToken);

    public ValueTask DisposeAsync()
    {
        _watch.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public void Of_SteadyTraffic_IsCountedOverTenSecondsAndFiveMinutes()
    {
        Pass(seconds: 400, perSecond: 7, status: 200);

        var traffic = _watch.Of(Node);

        Assert.Equal(2800, traffic.Total.Responses);
        Assert.Equal(70, traffic.Last10Seconds.Responses);
        Assert.InRange(traffic.Last5Minutes.Responses, 300 * 7, 330 * 7);
        Assert.Equal(TrafficWatch.MaxNodePoints, traffic.Points.Count);
        Assert.All(traffic.Points, point => Assert.Equal((70, 0), (point.Responses, point.Errors)));
    }

    [Fact]
    public void Of_TrafficThatEnded_IsForgottenByAndBy()
    {
        Pass(seconds: 30, perSecond: 5, status: 500);
        Pass(seconds: 10, perSecond: 0, status: 200);
        Assert.Equal(0, _watch.Of(Node).Last10Seconds.Responses);
        Assert.Equal(150, _watch.Of(Node).Last5Minutes.Errors);

        Pass(seconds: 330, perSecond: 0, status: 200);

        Assert.Equal((0, 150), (_watch.Of(Node).Last5Minutes.Responses, _watch.Of(Node).Total.Errors));
    }

    [Fact]
    public void All_ANodeLeaves_KeepsWhatItAnsweredAndTheBalancersOwn()
    {
        Pass(seconds: 3, perSecond: 5, status: 200);
        _own.Record(503);

        _registry.SetAll(BackendVerdict.Down);
        _registry.SetMembers([]);
        Pass(seconds: 1, perSecond: 0, status: 200);

        Assert.Equal((15, 1, 16), (_watch.All.Total.OfClass(2), _watch.All.Total.OfClass(5), _watch.All.Total.Responses));
    }

    [Fact]
    public void All_MoreThanAnHour_IsBounded()
    {
        Pass(seconds: 3700, perSecond: 1, status: 200);

        Assert.Equal(360, _watch.All.Points.Count);
    }

    [Fact]
    public void Look_NodesThatAreIdle_CostNoCountsEach()
    {
        _registry.SetMembers(Registries.Endpoints(500));
        Pass(seconds: 40, perSecond: 3, status: 200);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Pass(seconds: 9, perSecond: 0, status: 200);

        // The counts of one backend are 1.6 KB; the fake clock allocates, too.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500 * 1600);
        Assert.Equal(120, _watch.All.Total.Responses);
    }

    private Backend Node { get => field ??= _registry.Current.Backends[0].Backend; }

    private void Pass(int seconds, int perSecond, int status)
    {
        for (var second = 0; second < seconds; second++)
        {
            for (var response = 0; response < perSecond; response++)
            {
                _registry.Runtimes.Of(Node).Traffic.Record(status, TimeSpan.FromMilliseconds(5), 0, 0);
            }

            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
