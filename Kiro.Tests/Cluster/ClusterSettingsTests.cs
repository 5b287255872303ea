using Kiro.Cluster.Settings;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Configuration;

namespace Kiro.Tests.Cluster;

public class ClusterSettingsTests
{
    [Fact]
    public void Read_NothingSet_UsesTheDefaults() => Assert.Equal(new ClusterSettings(5, 13004, 13003), Read(""));

    [Theory]
    [InlineData("INSTANCE_COUNT=100;START_PORT=20000;BALANCER_PORT=20100", 100, 20000, 20100)]
    [InlineData("INSTANCE_COUNT=1;START_PORT=65535;BALANCER_PORT=65534", 1, 65535, 65534)]
    [InlineData("INSTANCE_COUNT=;START_PORT= ;BALANCER_PORT=1", 5, 13004, 1)]
    public void Read_ValidValues_AreApplied(string variables, int count, int start, int balancer) =>
        Assert.Equal(new ClusterSettings(count, start, balancer), Read(variables));

    [Theory]
    [InlineData("INSTANCE_COUNT=-1", "INSTANCE_COUNT=-1 is not valid: expected a whole number from 1 to 100.")]
    [InlineData("INSTANCE_COUNT=0", "INSTANCE_COUNT=0 is not valid: expected a whole number from 1 to 100.")]
    [InlineData("INSTANCE_COUNT=101", "INSTANCE_COUNT=101 is not valid: expected a whole number from 1 to 100.")]
    [InlineData("INSTANCE_COUNT=2.5", "INSTANCE_COUNT=2.5 is not valid: expected a whole number from 1 to 100.")]
    [InlineData("START_PORT=0", "START_PORT=0 is not valid: expected a whole number from 1 to 65535.")]
    [InlineData("START_PORT=65532", "START_PORT=65532 is not valid: expected at most 65531, because 5 instances need as many consecutive ports.")]
    [InlineData("BALANCER_PORT=abc", "BALANCER_PORT=abc is not valid: expected a whole number from 1 to 65535.")]
    [InlineData("BALANCER_PORT=13008", "BALANCER_PORT=13008 is not valid: expected a port outside of 13004 to 13008, which the instances use.")]
    [InlineData("START_PORT=13003", "BALANCER_PORT=13003 is not valid: expected a port outside of 13003 to 13007, which the instances use.")]
    public void Read_InvalidValue_IsOneLine(string variables, string line)
    {
        var invalid = Assert.Throws<InvalidSettingsException>(() => Read(variables));

        Assert.Equal([line], invalid.Lines);
    }

    [Theory]
    [InlineData("TRUSTED_PROXIES=10.0.0.0/99", "TRUSTED_PROXIES=10.0.0.0/99 ")]
    [InlineData("BACKEND_HOSTS=foo:bar", "BACKEND_HOSTS=foo:bar ")]
    [InlineData("MYSQL_PORT=x", "MYSQL_PORT=x ")]
    [InlineData("DRAIN_DELAY=soon", "DRAIN_DELAY=soon ")]
    public void Read_InvalidSettingOfAService_IsOneLine(string variables, string start)
    {
        var invalid = Assert.Throws<InvalidSettingsException>(() => Read(variables));

        Assert.StartsWith(start, Assert.Single(invalid.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ThreeInvalidValues_AreThreeLines()
    {
        var invalid = Assert.Throws<InvalidSettingsException>(() => Read("INSTANCE_COUNT=x;BALANCER_PORT=y;MYSQL_PORT=z"));

        Assert.Equal(3, invalid.Lines.Count);
    }

    [Fact]
    public void Read_NoBalancer_IgnoresItsPort()
    {
        var settings = Read("START_PORT=13000;BALANCER_PORT=13001", "--no-balancer");

        Assert.Null(settings.BalancerPort);
    }

    [Fact]
    public void Read_CommandLine_OverridesTheEnvironment() =>
        Assert.Equal(2, Read("INSTANCE_COUNT=7", "--INSTANCE_COUNT=2").InstanceCount);

    private static ClusterSettings Read(string variables, params string[] arguments)
    {
        var parsed = RunnerArguments.Parse(arguments);
        return ClusterSettings.Read(
            new ConfigurationBuilder().AddConfiguration(Variables.Of(variables)).AddInMemoryCollection(parsed.Settings).Build(),
            parsed);
    }
}
