using Kiro.Balancer.Discovery;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Discovery;

public sealed class DiscoveryOptionsTests
{
    private const string Service = "services:api:http:0=http://127.0.0.1:1";

    [Theory]
    [InlineData("Local", new string[0])]
    [InlineData("Hosts", new[] { "BACKEND_HOSTS=api-1:80" })]
    [InlineData("Dns", new[] { "BACKEND_HOSTS=api-1:80", "BACKEND_DNS=api" })]
    [InlineData("ServiceDiscovery", new[] { "BACKEND_HOSTS=api-1:80", "BACKEND_DNS=api", Service })]
    [InlineData("ServiceDiscovery", new[] { Service })]
    [InlineData("Local", new[] { "BACKEND_HOSTS=", "BACKEND_DNS= " })]
    [InlineData("Local", new[] { "services:other:http:0=http://127.0.0.1:1" })]
    public void Read_SeveralSet_FirstApplies(string mode, string[] pairs) =>
        Assert.Equal(Enum.Parse<DiscoveryMode>(mode), Read(pairs).Mode);

    [Fact]
    public void Read_Unset_IsFivePortsOnThisMachine()
    {
        var options = Read();

        Assert.Equal(Enumerable.Range(13004, 5).Select(port => $"127.0.0.1:{port}"), options.Fixed.Select(node => node.Id));
        Assert.Equal(TimeSpan.FromSeconds(60), options.Interval);
        Assert.Equal(13004, options.DnsPort);
    }

    [Theory]
    [InlineData("65535", "1", 65535)]
    [InlineData("65531", "", 65535)]
    [InlineData("1", "65535", 65535)]
    public void Read_PortsUpToTheLast_AreNodes(string start, string count, int last) =>
        Assert.Equal(last, Read("BACKEND_START_PORT=" + start, "BACKEND_COUNT=" + count).Fixed[^1].Port);

    [Theory]
    [InlineData("BACKEND_DNS", "http://api", "a host name")]
    [InlineData("BACKEND_DNS", "api:13004", "a host name")]
    [InlineData("BACKEND_DNS", "10.0.0.1", "a host name")]
    [InlineData("BACKEND_PORT", "0", "a whole number from 1 to 65535")]
    [InlineData("BACKEND_START_PORT", "65536", "a whole number from 1 to 65535")]
    [InlineData("BACKEND_START_PORT", "65532", "a port that leaves room for BACKEND_COUNT=5 ports up to 65535")]
    [InlineData("BACKEND_COUNT", "0", "a whole number from 1 to 52532")]
    [InlineData("BACKEND_COUNT", "52533", "a whole number from 1 to 52532")]
    [InlineData("DNS_INTERVAL", "0.5", "a number from 1 to 86400")]
    [InlineData("DNS_INTERVAL", "86401", "a number from 1 to 86400")]
    public void Read_InvalidValue_IsOneError(string name, string value, string allowed) => Assert.Equal(
        [$"{name}={value} is not valid: expected {allowed}."],
        Settings.Refusals(settings => DiscoveryOptions.Read(settings, Settings.Of()), $"{name}={value}"));

    private static DiscoveryOptions Read(params string[] pairs) =>
        Settings.Read(settings => DiscoveryOptions.Read(settings, Settings.Of(pairs)), pairs);
}
