using Kiro.Balancer.Forwarding;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding;

public sealed class ForwarderTests
{
    [Theory]
    [InlineData("FORWARDER=lean", true)]
    [InlineData("FORWARDER=yarp", false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9", false)]
    public async Task Request_Plain_TakesTheConfiguredPath(string setting, bool isLean)
    {
        await using var node = RawBackend.Responding();
        await using var balancer = await TestBalancer.StartAsync(node.Host, setting);

        Assert.Equal(200, (await balancer.ExchangeAsync("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")).Status);

        Assert.Equal(isLean, balancer.HasPool(node.Port));
    }

    [Fact]
    public void Read_Unset_IsTheFastestThatTheSystemSupports() =>
        Assert.Equal(OperatingSystem.IsLinux() ? ForwardingPath.Loop : ForwardingPath.Lean, Settings.Read(ForwardingOptions.Read).Path);

    [Fact]
    public void Read_UnknownValue_IsRejectedWithTheAllowedOnes() =>
        Assert.Equal(["FORWARDER=fast is not valid: expected loop, lean or yarp."], Settings.Refusals(ForwardingOptions.Read, "FORWARDER=fast"));
}
