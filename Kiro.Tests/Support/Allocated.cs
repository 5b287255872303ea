namespace Kiro.Tests.Support;

/// <summary>Measures the allocations of the current thread.</summary>
internal static class Allocated
{
    private const int Runs = 10_000;

    /// <summary>The bytes that 10,000 runs of <paramref name="action"/> allocate. The minimum of five measurements leaves out what the
    /// runtime allocates once, such as for tiered compilation.</summary>
    public static long By(Action<int> action) => Enumerable.Range(0, 5).Min(_ =>
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(action);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    });

    private static void Run(Action<int> action)
    {
        for (var run = 0; run < Runs; run++)
        {
            action(run);
        }
    }
}
