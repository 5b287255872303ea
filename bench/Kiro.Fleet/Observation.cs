using Kiro.Balancer.Selection;

namespace Kiro.Fleet;

/// <summary>
/// Runs a scenario, and compares once a second where every balancer sends the clients with where they belong: the node
/// that a balancer with immediate knowledge of every change would choose.
/// </summary>
internal static class Observation
{
    /// <summary>The time until all probes have passed and are spread out.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(2);

    /// <summary>Runs a scenario once the fleet has settled after the previous one.</summary>
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

/// <summary>One second; all values are fractions of all clients, the mean over the balancers.</summary>
/// <param name="Wrong">Clients not sent to the node where they belong.</param>
/// <param name="Dead">Clients sent to a dead node first, and then to the next one.</param>
/// <param name="Split">Clients sent to different nodes by different balancers.</param>
/// <param name="Moved">Clients sent to another node than a second before.</param>
/// <param name="MustMove">Clients that belong to another node than a second before.</param>
internal readonly record struct Second(double Wrong, double Dead, double Split, double Moved, double MustMove);

/// <summary>The results of a scenario.</summary>
internal sealed record Findings(Scenario Scenario, FleetSize Size, IReadOnlyList<Second> Seconds)
{
    /// <summary>Necessary moves, as a fraction of all clients; each client counts as often as it moves.</summary>
    public double MustMove => Seconds.Sum(second => second.MustMove);

    /// <summary>Actual moves, the mean over the balancers.</summary>
    public double Moved => Seconds.Sum(second => second.Moved);

    /// <summary>The largest share of clients on a wrong node.</summary>
    public double MaxWrong => Seconds.Max(second => second.Wrong);

    /// <summary>The largest share of clients on which the balancers disagree.</summary>
    public double MaxSplit => Seconds.Max(second => second.Split);

    /// <summary>Requests that reached a dead node first, in seconds of total traffic.</summary>
    public double DeadSeconds => Seconds.Sum(second => second.Dead);

    /// <summary>Requests to a wrong node, in seconds of total traffic.</summary>
    public double WrongSeconds => Seconds.Sum(second => second.Wrong);

    /// <summary>The number of seconds with any client on a wrong node.</summary>
    public int SecondsWrong => Seconds.Count(second => second.Wrong > 0);
}
