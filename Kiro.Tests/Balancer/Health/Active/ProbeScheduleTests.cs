using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Tests.Balancer.Backends;
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

        var snapshot = Registries.Up(1).Current;

        Assert.Equal(seconds, schedule.Next(health, snapshot, default, 0.5).TotalSeconds, 1e-6);
        Assert.Equal(seconds * 0.9, schedule.Next(health, snapshot, default, 0).TotalSeconds, 1e-6);
        Assert.Equal(seconds * 1.1, schedule.Next(health, snapshot, default, 1).TotalSeconds, 1e-6);
    }

    [Theory]
    // Backs off the longer it has been down, up to the interval of a node that is up; not if it passes, or no node is up.
    [InlineData("PR", 59, 1, 2)]
    [InlineData("PR", 300, 1, 10)]
    [InlineData("PR", 3600, 1, 30)]
    [InlineData("R", 300, 1, 10)]
    [InlineData("PRP", 3600, 1, 2)]
    [InlineData("PF", 3600, 1, 2)]
    [InlineData("PD", 3600, 1, 2)]
    [InlineData("PR", 3600, 0, 2)]
    public void Next_DownForLong_BacksOff(string probes, int downFor, int others, double seconds)
    {
        var options = Settings.Read(HealthOptions.Read);
        var (schedule, transitions) = (new ProbeSchedule(options), new BackendTransitions(options.Thresholds));
        var health = probes.Aggregate(new BackendHealth(), (health, probe) => transitions.Probed(health, Result(probe), default));

        Assert.Equal(seconds, schedule.Next(health, Registries.Up(others).Current, TimeSpan.FromSeconds(downFor), 0.5).TotalSeconds, 1e-6);
    }

    [Theory]
    // A recovery is detected soon, and later after a long degradation.
    [InlineData(0, 5, 2)]
    [InlineData(59, 5, 2)]
    [InlineData(300, 5, 10)]
    [InlineData(3600, 5, 30)]
    [InlineData(0, 2000, 4)]
    public void Next_Degraded_IsProbedMoreOften(int degradedFor, int nodes, double seconds)
    {
        var options = Settings.Read(HealthOptions.Read);
        var (schedule, transitions) = (new ProbeSchedule(options), new BackendTransitions(options.Thresholds));
        var health = transitions.Probed(new BackendHealth(), Result('P') with { Degradation = "database unavailable" }, default);

        Assert.Equal(seconds, schedule.Next(health, Registries.Up(nodes).Current, TimeSpan.FromSeconds(degradedFor), 0.5).TotalSeconds, 1e-6);
    }

    [Theory]
    [InlineData(500, 1)]
    [InlineData(2000, 4)]
    [InlineData(20_000, 30)]
    public void Next_ManyAreNotUp_ShareARateOf500PerSecond(int nodes, double seconds)
    {
        var schedule = new ProbeSchedule(Settings.Read(HealthOptions.Read));
        var registry = Registries.Empty();
        registry.SetMembers(Registries.Endpoints(nodes));

        Assert.Equal(seconds, schedule.Next(new BackendHealth(), registry.Current, default, 0.5).TotalSeconds, 1e-6);
        Assert.Equal(30, schedule.Next(new BackendHealth { Verdict = BackendVerdict.Up }, registry.Current, default, 0.5).TotalSeconds, 1e-6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.123)]
    [InlineData(0.999999)]
    public void Next_HealthyBackends_AreCoalesced(double random)
    {
        var schedule = new ProbeSchedule(Settings.Read(HealthOptions.Read));
        var now = TimeSpan.FromSeconds(1234.5678);

        var wait = schedule.Next(new BackendHealth { Verdict = BackendVerdict.Up }, Registries.Up(1).Current, now, random);

        Assert.InRange(wait.TotalSeconds, 27, 33);
        Assert.Equal(0, (now + wait).Ticks % TimeSpan.FromSeconds(0.25).Ticks);
    }

    private static ProbeResult Result(char probe) => probe switch
    {
        'P' => new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null),
        'D' => new ProbeResult(ProbeOutcome.Draining, null, null, null),
        'F' => new ProbeResult(ProbeOutcome.Failed, null, "why", null),
        'S' => new ProbeResult(ProbeOutcome.TimedOut, null, "why", null),
        _ => new ProbeResult(ProbeOutcome.Refused, null, "why", null),
    };
}
