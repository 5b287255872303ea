namespace Kiro.Tests.Support;

/// <summary>Counts what the current thread allocates.</summary>
internal static class Allocated
{
    private const int Runs = 10_000;

    /// <summary>Bytes that 10,000 runs of <paramref name="action"/> allocate, after 1,000 that warm things up: whatever is made once does not count.</summary>
    public static long By(Action<int> action)
    {
        Run(action, 1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(action, Runs);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Run(Action<int> action, int times)
    {
        for (var run = 0; run < times; run++)
        {
            action(run);
        }
    }
}
