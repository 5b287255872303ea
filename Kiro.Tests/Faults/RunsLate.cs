using System.Collections.Immutable;
using Kiro.Tests.Support;

namespace Kiro.Tests.Faults;

/// <summary>
/// Tests that load the whole machine but mostly wait, for drains, starts and probes. They run after the ordinary tests:
/// sequentially within a collection, the collections in parallel. None of them asserts how long something takes.
/// </summary>
public static class RunsLate
{
    public const string Nodes = "Faults of nodes";

    public const string Balancers = "Faults of balancers";

    /// <summary>All of them, the longest first.</summary>
    public static ImmutableArray<string> All { get; } = [Nodes, SharesDocker.Name, Balancers];
}

/// <summary>Tests that would fail on a busy machine, or that measure the whole test process: they run last, one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunsAlone
{
    public const string Name = "Alone";
}
