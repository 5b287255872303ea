using Kiro.ServiceDefaults.Trust;

namespace Kiro.Tests.ServiceDefaults.Trust;

public sealed class TrustedProxiesTests
{
    [Theory]
    [InlineData("10.0.0.5", "10.0.0.5/32")]
    [InlineData("fd00::1", "fd00::1/128")]
    [InlineData("10.1.2.3/8", "10.0.0.0/8")]
    [InlineData("2001:db8:1:2::ffff/57", "2001:db8:1::/57")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1/32")]
    public void TryParse_AddressOrRange_IsANetwork(string text, string network)
    {
        Assert.True(TrustedProxies.TryParse(text, out var parsed));
        Assert.Equal(network, parsed.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/8")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("10.0.0.0/ 8")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0.0/255.0.0.0")]
    [InlineData("10/8")]
    [InlineData("fd00::/129")]
    [InlineData("::ffff:0:0/96")]
    [InlineData("loopback")]
    [InlineData("010.0.0.1")]
    [InlineData("0x7f.1")]
    [InlineData("10.0.0.1:80")]
    [InlineData("[::1]")]
    [InlineData("[::1]:80")]
    [InlineData("fe80::1%1")]
    public void TryParse_NeitherAddressNorRange_IsRejected(string text) => Assert.False(TrustedProxies.TryParse(text, out _));
}
