namespace Kiro.Fleet;

/// <summary>Something that happens to a fleet.</summary>
/// <param name="Name">A word for the chart and the command line.</param>
/// <param name="Title">A description in plain English.</param>
/// <param name="Length">How long to observe, from its beginning.</param>
/// <param name="Begin">Triggers or schedules it.</param>
internal sealed record Scenario(string Name, string Title, TimeSpan Length, Action<SimulatedFleet> Begin)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("crash", "one node's process dies, and is back after a minute", 3 * Minute, fleet => Fail(fleet, 1, NodeCondition.Refuses, Minute)),
        new("silence", "one node's host vanishes, and is back after a minute", 3 * Minute, fleet => Fail(fleet, 1, NodeCondition.IsSilent, Minute)),
        new("zone", "a third of the nodes vanishes at once, and is back after two minutes", 5 * Minute, fleet => Fail(fleet, fleet.Size.Nodes / 3, NodeCondition.IsSilent, 2 * Minute)),
        new("deploy", "every node is restarted, 2 % at a time: draining for 5 s, away for 3 s", 12 * Minute, Deploy),
        new("split", "three of ten balancers cannot reach a twentieth of the nodes for two minutes", 5 * Minute, Split),
        new("orders", "an operator drains a tenth of the nodes; peers hear of it up to 2 s later, one that was cut off after a minute", 2 * Minute, Orders),
        new("scale", "a tenth more nodes; each balancer asks DNS once a minute", 3 * Minute, Scale),
    ];

    private static void Fail(SimulatedFleet fleet, int count, NodeCondition condition, TimeSpan away)
    {
        foreach (var node in fleet.Nodes.Take(count))
        {
            fleet.Change(node, condition);
            fleet.Agenda.In(away, () => fleet.Change(node, NodeCondition.Serves));
        }
    }

    private static void Deploy(SimulatedFleet fleet)
    {
        var batch = Math.Max(1, fleet.Size.Nodes / 50);
        foreach (var (at, nodes) in fleet.Nodes.Chunk(batch).Select((nodes, number) => (TimeSpan.FromSeconds(12) * number, nodes)))
        {
            foreach (var node in nodes)
            {
                fleet.Agenda.In(at, () => fleet.Change(node, NodeCondition.Drains));
                fleet.Agenda.In(at + TimeSpan.FromSeconds(5), () => fleet.Change(node, NodeCondition.Refuses));
                fleet.Agenda.In(at + TimeSpan.FromSeconds(8), () => fleet.Change(node, NodeCondition.Serves));
            }
        }
    }

    private static void Scale(SimulatedFleet fleet)
    {
        fleet.Add(fleet.Size.Nodes / 10);
        foreach (var balancer in fleet.Balancers)
        {
            fleet.Agenda.In(fleet.Chance(Minute), () => balancer.Discover([.. fleet.Nodes]));
        }
    }

    private static void Split(SimulatedFleet fleet)
    {
        foreach (var balancer in fleet.Balancers.Take(fleet.Size.Balancers * 3 / 10))
        {
            foreach (var node in fleet.Nodes.Take(fleet.Size.Nodes / 20))
            {
                balancer.Reach(node, false);
                fleet.Agenda.In(2 * Minute, () => balancer.Reach(node, true));
            }
        }
    }

    private static void Orders(SimulatedFleet fleet)
    {
        foreach (var (balancer, number) in fleet.Balancers.Select((balancer, number) => (balancer, number)))
        {
            var delay = number == 0 ? TimeSpan.Zero : number == 1 ? Minute : fleet.Chance(TimeSpan.FromSeconds(2));
            foreach (var node in fleet.Nodes.Take(fleet.Size.Nodes / 10))
            {
                node.IsOrderedOut = true;
                fleet.Agenda.In(delay, () => balancer.Order(node, isDrain: true));
                // After the observed time.
                fleet.Agenda.In(2 * Minute + TimeSpan.FromSeconds(1), () =>
                {
                    node.IsOrderedOut = false;
                    balancer.Order(node, isDrain: false);
                });
            }
        }
    }
}
