using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Health.Active;

public sealed class ProbeScheduleTests
{
    [Theory]
    // Steady and up: the set interval. A node never seen up: 1 s. Everything else: 2 s. The set interval is the longest.
    [InlineData(30, "P", 30)]
    [InlineData(30, "PPPP", 30)]
    [InlineData(30, "PF", 2)]
    [InlineData(30, "PFP", 30)]
    [InlineData(30, "PR", 2)]
    [InlineData(30, "PRP", 2)]
    [InlineData(30, "PRPP", 30)]
    [InlineData(30, "PD", 2)]
    [InlineData(30, "F", 1)]
    [InlineData(30, "R", 1)]
    [InlineData(1.5, "PF", 1.5)]
    [InlineData(0.5, "P", 0.5)]
    [InlineData(0.5, "F", 0.5)]
    public void Next_States_HaveTheirIntervals(double interval, string probes, double seconds)
    {
        var options = Settings.Read(HealthOptions.Read, FormattableString.Invariant($"HEALTH_INTERVAL={interval}"));
        var (schedule, transitions) = (new ProbeSchedule(options), new BackendTransitions(options.Thresholds));
        var health = probes.Aggregate(new BackendHealth(), (health, probe) => transitions.Probed(health, Result(probe), default));

        Assert.Equal(seconds, schedule.Next(health, 0.5).TotalSeconds, 1e-6);
        Assert.Equal(seconds * 0.9, schedule.Next(health, 0).TotalSeconds, 1e-6);
        Assert.Equal(seconds * 1.1, schedule.Next(health, 1).TotalSeconds, 1e-6);
    }

    private static ProbeResult Result(char probe) => probe switch
    {
        'P' => new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null),
        'D' => new ProbeResult(ProbeOutcome.Draining, null, null, null),
        'F' => new ProbeResult(ProbeOutcome.Failed, null, "why", null),
        'S' => new ProbeResult(ProbeOutcome.Silent, null, "why", null),
        _ => new ProbeResult(ProbeOutcome.Refused, null, "why", null),
    };
}
