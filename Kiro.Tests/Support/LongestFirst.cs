using Kiro.Tests.Api.Processes;
using Kiro.Tests.Balancer;
using Kiro.Tests.Faults;
using Kiro.Tests.Pages;
using Kiro.Tests.Sessions;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Kiro.Tests.Support.LongestFirst))]

namespace Kiro.Tests.Support;

/// <summary>
/// Collections that take minutes start first, so that none of them runs alone at the end while the other cores idle. Collections
/// that load the whole machine start last.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
        [nameof(NativeAotTests), SharesMariaDb.Name, nameof(LbOperatorTests), nameof(SqliteVerdictTests), nameof(RealSessionTests)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(Place)];

    private static int Place<TTestCollection>(TTestCollection tests)
        where TTestCollection : ITestCollection
    {
        var name = tests.TestCollectionDisplayName;
        return Array.FindIndex(Long, part => name.Contains(part, StringComparison.Ordinal)) is >= 0 and var first ? first - Long.Length
            : RunsLate.All.IndexOf(name) + 1;
    }
}
