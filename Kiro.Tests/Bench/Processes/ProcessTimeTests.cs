using System.Diagnostics;
using Kiro.SideBySide.Processes;

namespace Kiro.Tests.Bench.Processes;

public sealed class ProcessTimeTests
{
    // Fields 14 to 17 are 250, 125, 30 and 7; their neighbours must not be counted.
    private const string Rest = " S 41 42 42 0 -1 4194560 900 901 902 903 250 125 30 7 20 0 5 0 99999 1234567 890 18446744073709551615";

    [Theory]
    [InlineData("nginx")]
    [InlineData("a name) R 1 (2")]
    public void Parse_AnyName_SumsOwnAndChildrensTime(string name) =>
        Assert.Equal(new ProcessTime(4711, 41, 412), ProcessTime.Parse($"4711 ({name}){Rest}"));

    [Theory]
    [InlineData("")]
    [InlineData("4711 (nginx) S 41 42")]
    public void Parse_OtherText_IsRejected(string text) => Assert.Throws<FormatException>(() => ProcessTime.Parse(text));

    [Fact]
    public void Parse_ThisProcess_MatchesTheRuntime()
    {
        using var self = Process.GetCurrentProcess();
        var before = self.TotalProcessorTime;
        var seen = ProcessTime.Parse(File.ReadAllText("/proc/self/stat"));

        // /proc counts in hundredths of a second and includes exited children.
        Assert.Equal(Environment.ProcessId, seen.Id);
        Assert.True(seen.Ticks >= (before.TotalSeconds * ProcessTime.TicksPerSecond) - 5, $"{seen} after {before}");
    }
}
