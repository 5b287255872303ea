using System.Collections.Immutable;

namespace Kiro.Tests.Faults;

/// <summary>
/// Tests that load the whole machine, but wait more than they work: for drains, starts and probes. They run after the ordinary tests,
/// those of a collection one after the other and the collections beside each other. None of them judges how long something takes.
/// </summary>
public static class RunsLate
{
    public const string Nodes = "Faults of nodes";

    public const string Balancers = "Faults of balancers";

    /// <summary>All of them; the longest first.</summary>
    public static ImmutableArray<string> All { get; } = [Nodes, Balancers];
}
