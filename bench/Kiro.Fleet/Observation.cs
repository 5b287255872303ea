using Kiro.Balancer.Selection;

namespace Kiro.Fleet;

/// <summary>
/// Runs a scenario and looks once a second at where every balancer sends the clients, beside where they belong: the node
/// that a balancer would choose which knows of every change at once.
/// </summary>
internal static class Observation
{
    /// <summary>Until all probes have passed and their times have spread.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(2);

    /// <summary>Lets it happen to a fleet, once that has settled after what happened before.</summary>
    public static Findings Run(Scenario scenario, SimulatedFleet fleet)
    {
        var begin = fleet.Agenda.Now + Settling;
        fleet.Agenda.RunUntil(begin);
        Task.WaitAll([.. fleet.Balancers.Select(balancer => balancer.Ready)]);

        var step = fleet.Size.Step;
        var slots = Enumerable.Range(0, ClientHash.SlotCount / step).Select(number => number * step).ToArray();
        var ideal = fleet.Ideal(slots);
        var homes = fleet.Balancers.Select(balancer => Array.ConvertAll(slots, balancer.Choose)).ToArray();
        var seconds = new List<Second>();
        scenario.Begin(fleet);
        for (var second = 0; second <= scenario.Length.TotalSeconds; second++)
        {
            fleet.Agenda.RunUntil(begin + TimeSpan.FromSeconds(second));
            var before = ideal;
            ideal = fleet.Ideal(slots);
            seconds.Add(Look(fleet, slots, before, ideal, homes));
        }

        return new Findings(scenario, fleet.Size, seconds);
    }

    private static Second Look(SimulatedFleet fleet, int[] slots, int[] before, int[] ideal, int[][] homes)
    {
        var (wrong, dead, moved, split) = (0, 0, 0, 0);
        for (var number = 0; number < slots.Length; number++)
        {
            var isSplit = false;
            foreach (var (balancer, home) in fleet.Balancers.Zip(homes))
            {
                var choice = balancer.Choose(slots[number]);
                wrong += choice == ideal[number] ? 0 : 1;
                dead += balancer.ConditionOf(fleet.Nodes[choice]) is NodeCondition.Refuses or NodeCondition.IsSilent ? 1 : 0;
                moved += choice == home[number] ? 0 : 1;
                home[number] = choice;
                isSplit |= choice != homes[0][number];
            }

            split += isSplit ? 1 : 0;
        }

        var all = (double)slots.Length * fleet.Balancers.Count;
        var mustMove = before.Zip(ideal).Count(pair => pair.First != pair.Second);
        return new Second(wrong / all, dead / all, split / (double)slots.Length, moved / all, mustMove / (double)slots.Length);
    }
}

/// <summary>One second; all are fractions of all clients, the mean over the balancers.</summary>
/// <param name="Wrong">Not sent to the node where they belong.</param>
/// <param name="Dead">Sent first to a node that is away: the request goes on to the next one.</param>
/// <param name="Split">Sent to different nodes by different balancers.</param>
/// <param name="Moved">Sent to another node than a second before.</param>
/// <param name="MustMove">Of whom the node where they belong is another than a second before.</param>
internal readonly record struct Second(double Wrong, double Dead, double Split, double Moved, double MustMove);

/// <summary>What came of a scenario.</summary>
internal sealed record Findings(Scenario Scenario, FleetSize Size, IReadOnlyList<Second> Seconds)
{
    /// <summary>Moves that had to be, as a fraction of all clients: each counts as often as it moves.</summary>
    public double MustMove => Seconds.Sum(second => second.MustMove);

    /// <summary>Moves that there were, the mean over the balancers.</summary>
    public double Moved => Seconds.Sum(second => second.Moved);

    /// <summary>The largest share of clients on another node than theirs.</summary>
    public double MaxWrong => Seconds.Max(second => second.Wrong);

    /// <summary>The largest share of clients whom not all balancers send to the same node.</summary>
    public double MaxSplit => Seconds.Max(second => second.Split);

    /// <summary>Requests that met a node that is away and went on to another, as seconds of all traffic.</summary>
    public double DeadSeconds => Seconds.Sum(second => second.Dead);

    /// <summary>Seconds of all traffic that went to another node than where it belonged.</summary>
    public double WrongSeconds => Seconds.Sum(second => second.Wrong);

    /// <summary>In how many seconds any client was on another node than its own.</summary>
    public int SecondsWrong => Seconds.Count(second => second.Wrong > 0);
}
