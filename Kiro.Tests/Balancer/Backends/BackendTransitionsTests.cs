using Kiro.Balancer.Backends;

namespace Kiro.Tests.Balancer.Backends;

public sealed class BackendTransitionsTests
{
    private static readonly Moment Now = new(new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), TimeSpan.FromHours(1));

    // P passed, D draining, F failed, S timed out, R refused; the state after each probe in small letters: starting, up, down, draining (g).
    [Theory]
    // A new node is up with its first good probe.
    [InlineData(2, 2, "P", "u")]
    [InlineData(2, 2, "FP", "su")]
    [InlineData(2, 2, "FFP", "sdu")]
    [InlineData(2, 2, "RP", "du")]
    [InlineData(2, 5, "SP", "su")]
    // Consecutive failures mark a node down.
    [InlineData(2, 2, "PFF", "uud")]
    [InlineData(2, 2, "PSS", "uud")]
    [InlineData(2, 2, "PFS", "uud")]
    [InlineData(2, 2, "PFPFPF", "uuuuuu")]
    [InlineData(3, 2, "PFFF", "uuud")]
    [InlineData(1, 2, "PF", "ud")]
    // A refused connection does so immediately.
    [InlineData(5, 2, "PR", "ud")]
    // A node that was up has to pass HEALTH_RISE probes.
    [InlineData(2, 2, "PRPP", "uddu")]
    [InlineData(2, 2, "PFFPFPP", "uuddddu")]
    [InlineData(2, 3, "PRPPP", "udddu")]
    [InlineData(2, 1, "PRP", "udu")]
    [InlineData(2, 2, "PRPRPP", "uddddu")]
    // A node that reports draining is up, and drains until it no longer does.
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
    public void Probed_Probes_GiveTheState(int fall, int rise, string probes, string states)
    {
        var rules = Rules(fall, rise);
        var health = new BackendHealth();
        var seen = "";
        foreach (var probe in probes)
        {
            health = rules.Probed(health, Result(probe), Now);
            seen += health.State switch { BackendState.Starting => 's', BackendState.Up => 'u', BackendState.Down => 'd', _ => 'g' };
        }

        Assert.Equal(states, seen);
    }

    // The whole table: the next state for each state and event; rise and fall are 2, and -1 means one step before the threshold.
    [Theory]
    //          event                 starting    up          down        down-1      ejected     draining    sessions    up-1        remembered
    [InlineData("probe passed",       "up",       "up",       "down",     "up",       "down",     "draining", "draining", "up",       "up")]
    [InlineData("probe draining",     "draining", "draining", "down",     "draining", "down",     "draining", "draining", "draining", "draining")]
    [InlineData("probe failed",       "starting", "up",       "down",     "down",     "down",     "draining", "draining", "down",     "down")]
    [InlineData("probe silent",       "starting", "up",       "down",     "down",     "down",     "draining", "draining", "down",     "down")]
    [InlineData("probe refused",      "down",     "down",     "down",     "down",     "down",     "down",     "down",     "down",     "down")]
    [InlineData("probe impossible",   "starting", "up",       "down",     "down",     "down",     "draining", "draining", "up",       "up")]
    [InlineData("connection refused", "down",     "down",     "down",     "down",     "down",     "down",     "down",     "down",     "down")]
    [InlineData("suspected",          "starting", "up",       "down",     "down",     "down",     "draining", "draining", "up",       "up")]
    [InlineData("ejected",            "starting", "down",     "down",     "down",     "down",     "draining", "down",     "down",     "down")]
    [InlineData("drain",              "draining", "draining", "down",     "down",     "down",     "draining", "draining", "draining", "draining")]
    [InlineData("evacuate",           "draining", "draining", "down",     "down",     "down",     "draining", "draining", "draining", "draining")]
    [InlineData("resume",             "starting", "up",       "down",     "down",     "down",     "up",       "up",       "up",       "up")]
    [InlineData("absent",             "draining", "draining", "down",     "down",     "down",     "draining", "draining", "draining", "draining")]
    [InlineData("probe passed later", "up",       "up",       "down",     "up",       "up",       "draining", "draining", "up",       "up")]
    public void AnyEvent_AnyState_GivesTheState(string what, params string[] states)
    {
        var up = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true };
        var down = up with { Verdict = BackendVerdict.Down };
        BackendHealth[] before =
        [
            new(), up, down, down with { Successes = 1 },
            up with { EjectedUntil = Now.Uptime + TimeSpan.FromSeconds(10), Ejections = 1 },
            up with { DrainReasons = DrainReasons.Operator }, up with { DrainReasons = DrainReasons.Sessions }, up with { Failures = 1 },
            up with { IsRemembered = true },
        ];

        Assert.Equal(states, before.Select(health => After(health, what).State.Name()));
    }

    private static BackendHealth After(BackendHealth health, string what) => what switch
    {
        "probe passed" => Rules(2, 2).Probed(health, Result('P'), Now),
        "probe draining" => Rules(2, 2).Probed(health, Result('D'), Now),
        "probe failed" => Rules(2, 2).Probed(health, Result('F'), Now),
        "probe silent" => Rules(2, 2).Probed(health, Result('S'), Now),
        "probe refused" => Rules(2, 2).Probed(health, Result('R'), Now),
        "probe impossible" => Rules(2, 2).Probed(health, new ProbeResult(ProbeOutcome.Unknown, null, null, null), Now),
        "connection refused" => BackendTransitions.Refused(health, "refused"),
        "suspected" => BackendTransitions.Suspected(health, "silent"),
        "ejected" => BackendTransitions.Ejected(health, "lost", Now),
        "drain" => BackendTransitions.Ordered(health, DrainReasons.Sessions),
        "evacuate" => BackendTransitions.Ordered(health, DrainReasons.Operator),
        "resume" => BackendTransitions.Ordered(health, DrainReasons.None),
        "absent" => BackendTransitions.Drained(health, DrainReasons.Absent, isWanted: true),
        // When the ejection is over.
        _ => Rules(2, 2).Probed(health, Result('P'), Now with { Uptime = Now.Uptime + TimeSpan.FromSeconds(10) }),
    };

    // It may have hung since before this process started, and its requests in flight have arrived since.
    [Fact]
    public void Probed_BusyButRememberedAsUp_IsDown()
    {
        var remembered = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true, IsRemembered = true };
        var busy = new ProbeResult(ProbeOutcome.Busy, null, "no response, but it has 2 requests in flight", null);

        Assert.Equal(BackendState.Down, Rules(2, 2).Probed(remembered, busy, Now).State);
        Assert.Equal(BackendState.Up, Rules(2, 2).Probed(Rules(2, 2).Probed(remembered, Result('P'), Now), busy, Now).State);
    }

    [Fact]
    public void Probed_Passed_RecordsEverything()
    {
        var health = Rules(2, 2).Probed(
            new BackendHealth { Error = "old", Failures = 1 }, new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(3), null, "api-1"), Now);

        Assert.Equal(
            new BackendHealth
            {
                Verdict = BackendVerdict.Up, HasBeenUp = true, LastCheck = Now.Time, Latency = TimeSpan.FromMilliseconds(3),
                Reachable = true, Error = null, Node = "api-1", Failures = 0, Successes = 1,
            },
            health);
    }

    [Theory]
    [InlineData('F', true)]
    [InlineData('S', false)]
    [InlineData('R', false)]
    [InlineData('D', true)]
    public void Probed_Failed_KeepsNameAndLatencyAndSetsReachable(char probe, bool reachable)
    {
        var before = new BackendHealth { Node = "api-1", Latency = TimeSpan.FromMilliseconds(3), Reachable = !reachable };

        var after = Rules(2, 2).Probed(before, Result(probe), Now);

        Assert.Equal("api-1", after.Node);
        Assert.Equal(TimeSpan.FromMilliseconds(3), after.Latency);
        Assert.Equal(reachable, after.Reachable);
        Assert.Equal(probe == 'D' ? null : "why", after.Error);
    }

    [Fact]
    public void Probed_Passed_KeepsTheOperatorsDrain()
    {
        var health = Rules(2, 2).Probed(
            new BackendHealth { Verdict = BackendVerdict.Up, DrainReasons = DrainReasons.Operator | DrainReasons.Node | DrainReasons.Absent }, Result('P'), Now);

        Assert.Equal(DrainReasons.Operator | DrainReasons.Absent, health.DrainReasons);
    }

    [Fact]
    public void Probed_MarkedDownByARequest_OnePassedProbeIsNotEnough()
    {
        var rules = Rules(2, 2);
        var takenOut = new BackendHealth { Verdict = BackendVerdict.Down, HasBeenUp = true, Successes = 0 };

        var once = rules.Probed(takenOut, Result('P'), Now);

        Assert.Equal(BackendState.Down, once.State);
        Assert.Equal(BackendState.Up, rules.Probed(once, Result('P'), Now).State);
    }

    [Theory]
    [InlineData("None", true)]
    [InlineData("Sessions", true)]
    [InlineData("Operator", false)]
    [InlineData("Node", false)]
    [InlineData("Absent", false)]
    [InlineData("Twin", false)]
    [InlineData("Sessions, Node", false)]
    [InlineData("Sessions, Absent", false)]
    public void KeepsSessions_DrainReasons_OnlyForTheOperatorsDrain(string reasons, bool keeps)
    {
        var health = new BackendHealth { Verdict = BackendVerdict.Up, HasBeenUp = true, DrainReasons = Enum.Parse<DrainReasons>(reasons) };

        Assert.Equal(keeps, health.KeepsSessions);
        Assert.False((health with { Verdict = BackendVerdict.Down }).KeepsSessions);
        Assert.False((health with { EjectedUntil = Now.Uptime }).KeepsSessions);
    }

    [Fact]
    public void Ordered_SeveralOrders_LastOneWins()
    {
        var up = new BackendHealth { Verdict = BackendVerdict.Up, DrainReasons = DrainReasons.Node };

        var drained = BackendTransitions.Ordered(up, DrainReasons.Sessions, Now.Uptime);
        Assert.Equal((DrainReasons.Node | DrainReasons.Sessions, Now.Uptime), (drained.DrainReasons, drained.SessionsUntil));
        var evacuated = BackendTransitions.Ordered(drained, DrainReasons.Operator);
        Assert.Equal((DrainReasons.Node | DrainReasons.Operator, null), (evacuated.DrainReasons, evacuated.SessionsUntil));
        Assert.Equal(drained, BackendTransitions.Ordered(evacuated, DrainReasons.Sessions, Now.Uptime));
        Assert.Equal(up, BackendTransitions.Ordered(drained, DrainReasons.None));
    }

    [Fact]
    public void DrainExpired_TimeoutPassed_Evacuates()
    {
        var drained = BackendTransitions.Ordered(new BackendHealth { Verdict = BackendVerdict.Up }, DrainReasons.Sessions, Now.Uptime);

        Assert.Same(drained, BackendTransitions.DrainExpired(drained, Now with { Uptime = Now.Uptime - TimeSpan.FromTicks(1) }));
        var evacuated = BackendTransitions.DrainExpired(drained, Now);
        Assert.Equal((DrainReasons.Operator, null), (evacuated.DrainReasons, evacuated.SessionsUntil));
        Assert.Equal(Now, BackendTransitions.WithTimes(drained, evacuated, Now).Since);
    }

    private static BackendTransitions Rules(int fall, int rise) => new(new ProbeThresholds(fall, rise));

    private static ProbeResult Result(char probe) => probe switch
    {
        'P' => new ProbeResult(ProbeOutcome.Passed, TimeSpan.FromMilliseconds(1), null, null),
        'D' => new ProbeResult(ProbeOutcome.Draining, null, null, null),
        'F' => new ProbeResult(ProbeOutcome.Failed, null, "why", null),
        'S' => new ProbeResult(ProbeOutcome.TimedOut, null, "why", null),
        _ => new ProbeResult(ProbeOutcome.Refused, null, "why", null),
    };
}
