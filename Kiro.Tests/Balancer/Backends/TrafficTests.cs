using Kiro.Balancer.Backends;
using Kiro.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Backends;

public sealed class TrafficTests
{
    private readonly BackendTraffic _traffic = new(new FakeTimeProvider());

    [Fact]
    public void Of_AnyDuration_IsInABucketAtMostAnEighthWide()
    {
        for (var milliseconds = 0.01; milliseconds < 1_000_000; milliseconds *= 1.037)
        {
            var duration = TimeSpan.FromMilliseconds(milliseconds);
            var bucket = LatencyBuckets.Of(duration);
            var (start, end) = (LatencyBuckets.Start(bucket), LatencyBuckets.Start(bucket + 1));

            Assert.InRange(duration, start, end);
            Assert.True((end - start).TotalMilliseconds <= Math.Max(0.0257, start.TotalMilliseconds / 8), $"{milliseconds} ms: {start} to {end}");
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    public void Of_Zero_IsTheFirstBucket(int seconds) => Assert.Equal(0, LatencyBuckets.Of(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void Of_ADay_IsTheLastBucket() => Assert.Equal(LatencyBuckets.Count - 1, LatencyBuckets.Of(TimeSpan.FromDays(1)));

    [Fact]
    public async Task Record_ConcurrentThreadsAndLoop_LoseNothing()
    {
        var loop = _traffic.Cell(1);
        var threads = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var response = 0; response < 10_000; response++)
            {
                _traffic.Record(200, TimeSpan.FromMilliseconds(5), 10, 100);
            }
        }));
        var looping = Task.Run(() =>
        {
            for (var response = 0; response < 10_000; response++)
            {
                loop.Record(503, TimeSpan.FromMilliseconds(5), 1, 2);
            }
        }, TestContext.Current.CancellationToken);
        await Task.WhenAll([.. threads, looping]);

        var sum = _traffic.Sum();

        Assert.Equal((40_000, 10_000, 50_000), (sum.OfClass(2), sum.OfClass(5), sum.Responses));
        Assert.Equal((410_000, 4_020_000), (sum.Sent, sum.Received));
        Assert.Equal(0.2, sum.ResponseCounts.ErrorShare, 1e-9);
        Assert.Same(loop, _traffic.Cell(1));
    }

    [Fact]
    public void Record_Warm_AllocatesNothing()
    {
        var cell = _traffic.Cell(0);

        Assert.Equal(0, Allocated.By(number =>
        {
            _traffic.Record(200, TimeSpan.FromMilliseconds(number), 1, 1);
            cell.Record(200, TimeSpan.FromMilliseconds(number), 1, 1);
        }));
    }

    [Fact]
    public void Quantile_UniformLatencies_IsWithinAnEighth()
    {
        for (var milliseconds = 1; milliseconds <= 1000; milliseconds++)
        {
            _traffic.Record(200, TimeSpan.FromMilliseconds(milliseconds), 0, 0);
        }

        var sum = _traffic.Sum();

        Assert.Equal(500, sum.Quantile(0.5)!.Value.TotalMilliseconds, 500 / 8d);
        Assert.Equal(900, sum.Quantile(0.9)!.Value.TotalMilliseconds, 900 / 8d);
        Assert.Equal(990, sum.Quantile(0.99)!.Value.TotalMilliseconds, 990 / 8d);
    }

    [Fact]
    public void Quantile_NoResponses_IsUnknown() => Assert.Null(_traffic.Sum().Quantile(0.99));
}
