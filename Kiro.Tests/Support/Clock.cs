using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace Kiro.Tests.Support;

/// <summary>Moves a fake clock on while background loops follow it.</summary>
internal static class Clock
{
    /// <summary>Advances until <paramref name="condition"/> holds, at most <paramref name="seconds"/> of the fake time. Loops run on
    /// other threads, so each step leaves them a moment: what is asserted are the times that they saw on the fake clock.</summary>
    /// <returns>Whether the condition came true.</returns>
    public static async Task<bool> AdvanceUntil(this FakeTimeProvider time, Func<bool> condition, double seconds, double step = 0.25)
    {
        var end = time.GetUtcNow() + TimeSpan.FromSeconds(seconds);
        while (!await Settles(condition))
        {
            if (time.GetUtcNow() >= end)
            {
                return false;
            }

            time.Advance(TimeSpan.FromSeconds(step));
        }

        return true;
    }

    /// <summary>Advances by all of <paramref name="seconds"/>.</summary>
    public static Task Advance(this FakeTimeProvider time, double seconds) => time.AdvanceUntil(() => false, seconds);

    private static async Task<bool> Settles(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        do
        {
            if (condition())
            {
                return true;
            }

            await Task.Yield();
        }
        while (clock.ElapsedMilliseconds < 1);

        return false;
    }
}
