namespace Kiro.Tests.Support;

/// <summary>Counts what the current thread allocates.</summary>
internal static class Allocated
{
    private const int Runs = 10_000;

    /// <summary>Bytes that 10,000 runs of <paramref name="action"/> allocate, the least of five times: what the runtime makes
    /// once, such as for a method that it compiles anew, does not come again.</summary>
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
