namespace Kiro.Tests.Support;

/// <summary>Counts what the current thread allocates.</summary>
internal static class Allocated
{
    /// <summary>Bytes that <paramref name="action"/> allocates in <paramref name="times"/> runs, after one that may warm things up.</summary>
    public static long By(Action<int> action, int times = 10_000)
    {
        action(0);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var run = 0; run < times; run++)
        {
            action(run);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
