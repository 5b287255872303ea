using Kiro.SideBySide.Measuring;

namespace Kiro.Tests.Bench.Measuring;

public sealed class BenchOptionsTests
{
    private static readonly string[] Proxies = ["kiro", "kiro-yarp", "nginx"];

    [Fact]
    public void Parse_NoArguments_IsTheWholeRun()
    {
        var options = BenchOptions.Parse([], Proxies);
        Assert.True(options.IsWhole);
        Assert.Empty(options.Only);
        Assert.Empty(options.Scenarios);
    }

    [Fact]
    public void Parse_AnyOption_IsNotTheWholeRun()
    {
        Assert.False(BenchOptions.Parse(["--quick"], Proxies).IsWhole);
        Assert.False(BenchOptions.Parse(["--only", "kiro"], Proxies).IsWhole);
        Assert.False(BenchOptions.Parse(["--scenario", "small-get-1"], Proxies).IsWhole);
    }

    [Fact]
    public void Parse_Options_AreApplied()
    {
        var options = BenchOptions.Parse(
            ["--only", "nginx,kiro", "--scenario", "small-get-1,get-1m-64", "--seconds", "0.5", "--rounds", "2", "--rate", "700"], Proxies);
        Assert.Equal(["nginx", "kiro"], options.Only);
        Assert.Equal(["small-get-1", "get-1m-64"], options.Scenarios);
        Assert.Equal((0.5, 2, 700), (options.Seconds, options.Rounds, options.Rate));
    }

    [Theory]
    [InlineData("--only apache", "apache")]
    [InlineData("--scenario small-get-65", "small-get-65")]
    [InlineData("--seconds many", "many")]
    [InlineData("--rounds 0", "--rounds 0")]
    [InlineData("--rate", "--rate")]
    [InlineData("--fast", "--fast")]
    public void Parse_InvalidOption_IsNamed(string arguments, string named)
    {
        var problem = Assert.Throws<ArgumentException>(() => BenchOptions.Parse(arguments.Split(' '), Proxies));
        Assert.Contains(named, problem.Message, StringComparison.Ordinal);
    }
}
