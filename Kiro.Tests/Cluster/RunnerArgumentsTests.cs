using Kiro.Cluster.Settings;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Tests.Cluster;

public class RunnerArgumentsTests
{
    [Fact]
    public void Parse_NoArguments_StartsInstancesAndBalancer()
    {
        var arguments = RunnerArguments.Parse([]);

        Assert.True(arguments.Balancer);
        Assert.False(arguments.Plain);
        Assert.Equal(RunnerTask.Run, arguments.Task);
        Assert.Empty(arguments.Settings);
    }

    [Fact]
    public void Parse_NoBalancerAndSettings_AppliesBoth()
    {
        var arguments = RunnerArguments.Parse(["--no-balancer", "--INSTANCE_COUNT=3", "--start_port="]);

        Assert.False(arguments.Balancer);
        Assert.Equal("3", arguments.Settings["INSTANCE_COUNT"]);
        Assert.Equal("", arguments.Settings["START_PORT"]);
    }

    [Theory]
    [InlineData("--help", nameof(RunnerTask.Help))]
    [InlineData("-h", nameof(RunnerTask.Help))]
    [InlineData("status --help", nameof(RunnerTask.Help))]
    [InlineData("--help --version", nameof(RunnerTask.Help))]
    [InlineData("--version", nameof(RunnerTask.Version))]
    [InlineData("--plain", nameof(RunnerTask.Run))]
    [InlineData("status", nameof(RunnerTask.Status))]
    public void Parse_Arguments_SelectTheTask(string line, string expected) =>
        Assert.Equal(expected, RunnerArguments.Parse(line.Split(' ')).Task.ToString());

    [Theory]
    [InlineData("status", null, false, false, false)]
    [InlineData("status --watch --json --plain", null, true, true, true)]
    [InlineData("status --url http://lb.example:13003", "http://lb.example:13003/", false, false, false)]
    [InlineData("status --url=https://lb.example/kiro --watch", "https://lb.example/kiro", true, false, false)]
    public void Parse_Status_AppliesItsOptions(string line, string? url, bool watch, bool json, bool plain)
    {
        var arguments = RunnerArguments.Parse(line.Split(' '));

        Assert.Equal((url, watch, json, plain), (arguments.Status.Url?.AbsoluteUri, arguments.Status.Watch, arguments.Status.Json, arguments.Plain));
    }

    [Theory]
    [InlineData("status --no-balancer", "Unknown argument of status: --no-balancer. See --help.")]
    [InlineData("status now", "Unknown argument of status: now. See --help.")]
    [InlineData("status --url", "--url needs a value: --url VALUE or --url=VALUE.")]
    [InlineData("--watch", "Unknown argument: --watch. See --help.")]
    [InlineData("status --url lb.example:13003", "--url=lb.example:13003 is not valid: expected the address of a balancer, such as http://127.0.0.1:13003.")]
    [InlineData("status --url ftp://lb.example", "--url=ftp://lb.example is not valid: expected the address of a balancer, such as http://127.0.0.1:13003.")]
    public void Parse_Invalid_IsOneLine(string line, string expected)
    {
        var invalid = Assert.Throws<InvalidSettingsException>(() => RunnerArguments.Parse(line.Split(' ')));

        Assert.Equal([expected], invalid.Lines);
    }

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

        Assert.Equal([$"Unknown argument: {argument}. See --help."], invalid.Lines);
    }
}
