using System.Diagnostics;

namespace Kiro.Tests.Support;

/// <summary>Waits for another process to get somewhere. Unit tests have no use for it: they own the clock.</summary>
internal static class Eventually
{
    /// <summary>How long a test waits in s for what comes at once on a machine that has nothing else to do. It only costs time when it fails.</summary>
    public const double Patience = 120;

    /// <summary>Asks every 50 ms until the response is yes; fails after <paramref name="seconds"/>. An exception counts as no.</summary>
    public static async Task BeTrue(Func<Task<bool>> condition, string what, double seconds = Patience)
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

    public static Task BeTrue(Func<bool> condition, string what, double seconds = Patience) =>
        BeTrue(() => Task.FromResult(condition()), what, seconds);
}
