using Kiro.Balancer.Backends;
using Kiro.Balancer.Health;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Health;

public sealed class HealthRulesTests
{
    private static readonly DateTimeOffset Now = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // P passed, D draining, F failed, S silent, R refused; the state after each probe in small letters: starting, up, down, draining (g).
    [Theory]
    // A new node is up with its first good probe.
    [InlineData(2, 2, "P", "u")]
    [InlineData(2, 2, "FP", "su")]
    [InlineData(2, 2, "FFP", "sdu")]
    [InlineData(2, 2, "RP", "du")]
    [InlineData(2, 5, "SP", "su")]
    // Failures in a row take a node out.
    [InlineData(2, 2, "PFF", "uud")]
    [InlineData(2, 2, "PSS", "uud")]
    [InlineData(2, 2, "PFS", "uud")]
    [InlineData(2, 2, "PFPFPF", "uuuuuu")]
    [InlineData(3, 2, "PFFF", "uuud")]
    [InlineData(1, 2, "PF", "ud")]
    // A refused connection does so at once.
    [InlineData(5, 2, "PR", "ud")]
    // One that fell has to prove itself.
    [InlineData(2, 2, "PRPP", "uddu")]
    [InlineData(2, 2, "PFFPFPP", "uuddddu")]
    [InlineData(2, 3, "PRPPP", "udddu")]
    [InlineData(2, 1, "PRP", "udu")]
    [InlineData(2, 2, "PRPRPP", "uddddu")]
    // A node that says that it drains works, and drains until it says otherwise.
    [InlineData(2, 2, "PD", "ug")]
    [InlineData(2, 2, "PDP", "ugu")]
    [InlineData(2, 2, "PDDDD", "ugggg")]
    [InlineData(2, 2, "D", "g")]
    [InlineData(2, 2, "DP", "gu")]
    [InlineData(2, 2, "PDF", "ugg")]
    [InlineData(2, 2, "PDFF", "uggd")]
    [InlineData(2, 2, "PDR", "ugd")]
    [InlineData(2, 2, "PDRPP", "ugddu")]
    [InlineData(2, 2, "PRD", "udd")]
    [InlineData(2, 2, "PRDD", "uddg")]
    public void Apply_Probes_GiveTheState(int fall, int rise, string probes, string states)
    {
        var rules = Rules(fall, rise);
        var health = new BackendHealth();
        var seen = "";
        foreach (var probe in probes)
        {
            health = rules.Apply(health, Result(probe), Now);
            seen += health.State switch { BackendState.Starting => 's', BackendState.Up => 'u', BackendState.Down => 'd', _ => 'g' };
        }

        Assert.Equal(states, seen);
    }

    [Fact]
    public void Apply_GoodProbe_NotesAllThatItSaw()
    {
        var health = Rules(2, 2).Apply(
            new BackendHealth { Error = "old", Failures = 1 }, new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(3), null, "api-1"), Now);

        Assert.Equal(
            new BackendHealth
            {
                Verdict = BackendVerdict.Up, HasBeenUp = true, LastCheck = Now, Latency = TimeSpan.FromMilliseconds(3),
                Reachable = true, Error = null, Node = "api-1", Failures = 0, Successes = 1,
            },
            health);
    }

    [Theory]
    [InlineData('F', true)]
    [InlineData('S', false)]
    [InlineData('R', false)]
    [InlineData('D', true)]
    public void Apply_BadProbe_KeepsNameAndLatencyAndSaysWhetherTheNodeWasReached(char probe, bool reachable)
    {
        var before = new BackendHealth { Node = "api-1", Latency = TimeSpan.FromMilliseconds(3), Reachable = !reachable };

        var after = Rules(2, 2).Apply(before, Result(probe), Now);

        Assert.Equal("api-1", after.Node);
        Assert.Equal(TimeSpan.FromMilliseconds(3), after.Latency);
        Assert.Equal(reachable, after.Reachable);
        Assert.Equal(probe == 'D' ? null : "why", after.Error);
    }

    [Fact]
    public void Apply_GoodProbe_LeavesTheOperatorsDrainAlone()
    {
        var health = Rules(2, 2).Apply(
            new BackendHealth { Verdict = BackendVerdict.Up, DrainReasons = DrainReasons.Operator | DrainReasons.Node | DrainReasons.Absent }, Result('P'), Now);

        Assert.Equal(DrainReasons.Operator | DrainReasons.Absent, health.DrainReasons);
    }

    [Fact]
    public void Apply_TakenOutByARequestMeanwhile_OneGoodProbeDoesNotBringItBack()
    {
        var rules = Rules(2, 2);
        var takenOut = new BackendHealth { Verdict = BackendVerdict.Down, HasBeenUp = true, Successes = 0 };

        var once = rules.Apply(takenOut, Result('P'), Now);

        Assert.Equal(BackendState.Down, once.State);
        Assert.Equal(BackendState.Up, rules.Apply(once, Result('P'), Now).State);
    }

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
    public void NextProbe_States_HaveTheirIntervals(double interval, string probes, double seconds)
    {
        var rules = Rules(2, 2, interval);
        var health = probes.Aggregate(new BackendHealth(), (health, probe) => rules.Apply(health, Result(probe), Now));

        Assert.Equal(seconds, rules.NextProbe(health, 0.5).TotalSeconds, 1e-6);
        Assert.Equal(seconds * 0.9, rules.NextProbe(health, 0).TotalSeconds, 1e-6);
        Assert.Equal(seconds * 1.1, rules.NextProbe(health, 1).TotalSeconds, 1e-6);
    }

    private static HealthRules Rules(int fall, int rise, double interval = 30) => new(Settings.Read(HealthOptions.Read,
        $"HEALTH_FALL={fall}", $"HEALTH_RISE={rise}", FormattableString.Invariant($"HEALTH_INTERVAL={interval}")));

    private static ProbeResult Result(char probe) => probe switch
    {
        'P' => new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null),
        'D' => new ProbeResult(ProbeOutcome.Draining, null, null, null),
        'F' => new ProbeResult(ProbeOutcome.Failed, null, "why", null),
        'S' => new ProbeResult(ProbeOutcome.Silent, null, "why", null),
        _ => new ProbeResult(ProbeOutcome.Refused, null, "why", null),
    };
}
