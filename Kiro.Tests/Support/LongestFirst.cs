using Kiro.Tests.Balancer;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(Kiro.Tests.Support.LongestFirst))]

namespace Kiro.Tests.Support;

/// <summary>What takes minutes begins first: begun last, it would run alone in the end while all processors wait.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long = [nameof(NativeAotTests), SharesMariaDb.Name];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(tests => Array.FindIndex(Long, name => tests.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal)) is >= 0 and var place
            ? place : int.MaxValue)];
}
