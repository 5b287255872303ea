using System.Diagnostics;

namespace Kiro.Tests.Support;

/// <summary>Polls for a state that another process or thread reaches in its own time. Unit tests own the clock and do not need it.</summary>
internal static class Eventually
{
    /// <summary>The default timeout in seconds: generous, because a busy machine is slow and only a failing test waits it out.</summary>
    public const double Patience = 120;

    /// <summary>Polls <paramref name="condition"/> every 50 ms and fails after <paramref name="seconds"/>. An exception counts as false.</summary>
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
