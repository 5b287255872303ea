using Kiro.Cluster.Settings;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Tests.Cluster;

public class RunnerArgumentsTests
{
    [Fact]
    public void Parse_Nothing_StartsInstancesAndBalancer()
    {
        var arguments = RunnerArguments.Parse([]);

        Assert.True(arguments.Balancer);
        Assert.False(arguments.Help);
        Assert.Empty(arguments.Settings);
    }

    [Fact]
    public void Parse_NoBalancerAndSettings_TakesBoth()
    {
        var arguments = RunnerArguments.Parse(["--no-balancer", "--INSTANCE_COUNT=3", "--start_port="]);

        Assert.False(arguments.Balancer);
        Assert.Equal("3", arguments.Settings["INSTANCE_COUNT"]);
        Assert.Equal("", arguments.Settings["START_PORT"]);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Parse_Help_AsksForHelp(string argument) => Assert.True(RunnerArguments.Parse([argument]).Help);

    [Theory]
    [InlineData("status")]
    [InlineData("--nobalancer")]
    [InlineData("--INSTANCE_COUNT")]
    [InlineData("--INSTACE_COUNT=3")]
    [InlineData("INSTANCE_COUNT=3")]
    [InlineData("")]
    public void Parse_Unknown_IsOneLine(string argument)
    {
        var invalid = Assert.Throws<InvalidSettingsException>(() => RunnerArguments.Parse(["--no-balancer", argument]));

        Assert.Equal([$"Unknown argument: {argument}. --help lists what there is."], invalid.Lines);
    }
}
