using System.Diagnostics;

namespace Kiro.Tests.Support;

/// <summary>Waits for another process to get somewhere. Unit tests have no use for it: they own the clock.</summary>
internal static class Eventually
{
    /// <summary>Asks every 50 ms until the answer is yes; fails after <paramref name="seconds"/>. An exception counts as no.</summary>
    public static async Task BeTrue(Func<Task<bool>> condition, string what, double seconds = 60)
    {
        var clock = Stopwatch.StartNew();
        Exception? last = null;
        while (clock.Elapsed < TimeSpan.FromSeconds(seconds))
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (Exception problem) when (problem is not OperationCanceledException || problem.InnerException is TimeoutException)
            {
                last = problem;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Not within {seconds} s: {what}. {last?.Message}");
    }

    public static Task BeTrue(Func<bool> condition, string what, double seconds = 60) =>
        BeTrue(() => Task.FromResult(condition()), what, seconds);
}
