using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Active;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Health.Active;

public sealed class HealthOptionsTests
{
    [Fact]
    public void Read_Unset_IsTheDocumentedDefault() => Assert.Equal(
        new HealthOptions(), Settings.Read(HealthOptions.Read));

    [Fact]
    public void Read_AllSet_AreUsed() => Assert.Equal(
        new HealthOptions
        {
            Path = "/up?full=1", Host = "api.example:8080", Status = StatusRanges.Parse("200-204,301")!, Interval = TimeSpan.FromSeconds(0.5),
            Timeout = TimeSpan.FromSeconds(1.5), BusyTimeout = TimeSpan.FromSeconds(5), Thresholds = new ProbeThresholds(3, 4),
        },
        Settings.Read(HealthOptions.Read, "HEALTH_PATH=/up?full=1", "HEALTH_INTERVAL=0.5", "HEALTH_TIMEOUT=1.5", "HEALTH_FALL=3", "HEALTH_RISE=4",
            "HEALTH_HOST=api.example:8080", "HEALTH_STATUS=200-204, 301", "HEALTH_BUSY_TIMEOUT=5"));

    [Theory]
    [InlineData("HEALTH_PATH", "health", "a path that begins with /")]
    [InlineData("HEALTH_PATH", "http://api/health", "a path that begins with /")]
    [InlineData("HEALTH_PATH", "/with space", "a path that begins with /")]
    [InlineData("HEALTH_INTERVAL", "0", "a number from 0.1 to 3600")]
    [InlineData("HEALTH_INTERVAL", "3601", "a number from 0.1 to 3600")]
    [InlineData("HEALTH_INTERVAL", "30s", "a number from 0.1 to 3600")]
    [InlineData("HEALTH_INTERVAL", "0,5", "a number from 0.1 to 3600")]
    [InlineData("HEALTH_INTERVAL", "NaN", "a number from 0.1 to 3600")]
    [InlineData("HEALTH_TIMEOUT", "-1", "a number from 0.1 to 300")]
    [InlineData("HEALTH_TIMEOUT", "Infinity", "a number from 0.1 to 300")]
    [InlineData("HEALTH_HOST", "a b", "a host name or an address, with or without a port")]
    [InlineData("HEALTH_HOST", "a/b", "a host name or an address, with or without a port")]
    [InlineData("HEALTH_HOST", "u@a", "a host name or an address, with or without a port")]
    [InlineData("HEALTH_STATUS", "abc", "statuses and ranges from 200 to 599, separated by commas, such as 200-204,301")]
    [InlineData("HEALTH_STATUS", "200-", "statuses and ranges from 200 to 599, separated by commas, such as 200-204,301")]
    [InlineData("HEALTH_STATUS", "299-200", "statuses and ranges from 200 to 599, separated by commas, such as 200-204,301")]
    [InlineData("HEALTH_STATUS", "100", "statuses and ranges from 200 to 599, separated by commas, such as 200-204,301")]
    [InlineData("HEALTH_STATUS", "200,,301", "statuses and ranges from 200 to 599, separated by commas, such as 200-204,301")]
    [InlineData("HEALTH_BUSY_TIMEOUT", "0", "a number from 1 to 3600")]
    [InlineData("HEALTH_FALL", "0", "a whole number from 1 to 100")]
    [InlineData("HEALTH_RISE", "2.5", "a whole number from 1 to 100")]
    public void Read_InvalidValue_IsOneError(string name, string value, string allowed) => Assert.Equal(
        [$"{name}={value} is not valid: expected {allowed}."], Settings.Refusals(HealthOptions.Read, $"{name}={value}"));
}
