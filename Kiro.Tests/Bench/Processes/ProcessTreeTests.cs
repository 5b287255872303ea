using System.Diagnostics;
using Kiro.SideBySide.Processes;

namespace Kiro.Tests.Bench.Processes;

public sealed class ProcessTreeTests
{
    private const string TakesMemory = "read go; x=$(head -c 30000000 /dev/zero | tr '\\0' x); echo taken; unset x; read go";

    [Fact]
    public void ProcessorTime_BusyChild_IsCounted()
    {
        using var parent = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "(while :; do :; done) & wait"]))!;
        try
        {
            var used = TimeSpan.Zero;
            for (var started = Stopwatch.GetTimestamp(); used < TimeSpan.FromSeconds(0.1) && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(60);)
            {
                used = new ProcessTree(parent.Id).ProcessorTime();
            }

            Assert.True(used >= TimeSpan.FromSeconds(0.1), $"{used}");
        }
        finally
        {
            parent.Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task PeakMemory_AfterAnAllocation_HasRisen()
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", TakesMemory])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            var tree = new ProcessTree(process.Id);
            tree.ForgetPeak();
            var before = tree.PeakMemory();

            await process.StandardInput.WriteLineAsync("go");
            Assert.Equal("taken", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

            Assert.True(tree.PeakMemory() > before + 20_000_000, $"{tree.PeakMemory()} after {before}");
            Assert.InRange(tree.ProportionalMemory(), 1, tree.PeakMemory());
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
