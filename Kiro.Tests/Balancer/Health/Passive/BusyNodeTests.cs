using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Tests.Balancer.Backends;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Balancer.Health.Passive;

/// <summary>The table of docs/operations.md, "A slow request is not a dead node": after how many seconds a node is out.</summary>
public sealed class BusyNodeTests
{
    private const string Never = "never";

    // A probe times out after 3 s, and the next one follows 2 s later.
    [Theory]
    //          node                     probe         waiting  says       out after
    [InlineData("refuses",               "refused",    0,       "nothing",    "0")]
    [InlineData("refuses",               "refused",    1,       "nothing",    "0")]
    [InlineData("refuses",               "refused",    50,      "nothing",    "0")]
    [InlineData("accepts and is silent", "passes",     1,       "nothing",    Never)]
    [InlineData("accepts and is silent", "passes",     50,      "nothing",    Never)]
    [InlineData("accepts and is silent", "fails",      0,       "nothing",    "8")]
    [InlineData("accepts and is silent", "fails",      1,       "nothing",    "63")]
    [InlineData("accepts and is silent", "fails",      2,       "nothing",    "23")]
    [InlineData("accepts and is silent", "fails",      15,      "nothing",    "23")]
    [InlineData("accepts and is silent", "fails",      16,      "nothing",    "3")]
    [InlineData("accepts and is silent", "fails",      1,       "concurrent", "3")]
    [InlineData("accepts and is silent", "fails",      50,      "concurrent", "3")]
    [InlineData("accepts and is slow",   "passes",     1,       "nothing",    Never)]
    [InlineData("accepts and is slow",   "passes",     50,      "nothing",    Never)]
    [InlineData("accepts and is slow",   "fails",      1,       "nothing",    Never)]
    [InlineData("accepts and is slow",   "fails",      50,      "nothing",    Never)]
    [InlineData("does not accept",       "unaccepted", 1,       "nothing",    "3")]
    [InlineData("does not accept",       "unaccepted", 5,       "nothing",    "23")]
    [InlineData("does not accept",       "unaccepted", 50,      "nothing",    "3")]
    public void Backend_Unresponsive_IsDownAfterSeconds(string node, string probe, int waiting, string says, string outAfter)
    {
        var time = new FakeTimeProvider();
        var registry = Registries.Up(2, time);
        var backend = registry.Find("api-1:80");
        registry.Probed(backend, new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null, says == "concurrent"));
        for (var request = 0; request < waiting; request++)
        {
            backend.Counters.Begin();
            backend.Counters.Await();
        }

        if (node == "refuses")
        {
            registry.MarkDown(backend, "connection refused");
        }
        else if (waiting > 0)
        {
            // By SilenceWatch.
            registry.Suspect(backend, "no response to requests");
        }

        var busy = new BusyCheck(backend.Runtime, new HealthOptions(), time);
        var start = time.GetTimestamp();
        while (backend.Health.State == BackendState.Up && time.GetElapsedTime(start) < TimeSpan.FromMinutes(10))
        {
            var began = time.GetTimestamp();
            time.Advance(TimeSpan.FromSeconds(3));
            if (node == "accepts and is slow")
            {
                backend.Counters.Respond();
            }

            registry.Probed(backend, busy.Judge(Result(probe), began, backend.Health.IsConcurrent));
            if (backend.Health.State == BackendState.Up)
            {
                time.Advance(TimeSpan.FromSeconds(2));
            }
        }

        Assert.Equal(outAfter, backend.Health.State == BackendState.Up ? Never : $"{time.GetElapsedTime(start).TotalSeconds:0}");
    }

    [Fact]
    public void Judge_ResponseInBetween_RestartsTheTimeout()
    {
        var time = new FakeTimeProvider();
        var backend = new BackendRuntime(new Backend("a", 1), time);
        var busy = new BusyCheck(backend, new HealthOptions(), time);
        backend.Counters.Begin();
        backend.Counters.Begin();
        Assert.Equal(ProbeOutcome.Busy, Silent());
        time.Advance(TimeSpan.FromSeconds(15));
        backend.Counters.Respond();
        Assert.Equal(ProbeOutcome.Busy, Silent());
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(ProbeOutcome.Busy, Silent());
        time.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(ProbeOutcome.TimedOut, Silent());

        ProbeOutcome Silent() => busy.Judge(Result("fails"), time.GetTimestamp(), isConcurrent: false).Outcome;
    }

    private static ProbeResult Result(string probe) => probe switch
    {
        "passes" => new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null),
        "refused" => new ProbeResult(ProbeOutcome.Refused, null, "connection refused", null),
        "unaccepted" => new ProbeResult(ProbeOutcome.ConnectTimedOut, null, "no connection within 3 s", null),
        _ => new ProbeResult(ProbeOutcome.TimedOut, null, "no response within 3 s", null),
    };
}
