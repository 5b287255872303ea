using Kiro.Balancer.Clients;
using Kiro.ServiceDefaults.Trust;

namespace Kiro.Tests.Balancer.Clients;

public sealed class AddressRangeTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", true)]
    [InlineData("10.0.0.0/8", "11.0.0.0", false)]
    [InlineData("10.1.2.3/8", "10.200.0.1", true)]
    [InlineData("192.0.2.0/25", "192.0.2.127", true)]
    [InlineData("192.0.2.0/25", "192.0.2.128", false)]
    [InlineData("192.0.2.4/31", "192.0.2.5", true)]
    [InlineData("192.0.2.4/31", "192.0.2.6", false)]
    [InlineData("192.0.2.1/32", "192.0.2.1", true)]
    [InlineData("192.0.2.1/32", "192.0.2.0", false)]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("0.0.0.0/0", "203.0.113.7", true)]
    [InlineData("0.0.0.0/0", "::ffff:203.0.113.7", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("0.0.0.0/0", "::", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("::/0", "203.0.113.7", false)]
    [InlineData("::/64", "::1", true)]
    [InlineData("::/64", "203.0.113.7", false)]
    [InlineData("::/80", "0.0.0.1", false)]
    [InlineData("fd00::/8", "fdff::1", true)]
    [InlineData("fd00::/8", "fe00::1", false)]
    [InlineData("2001:db8::ffff/32", "2001:db8:1::", true)]
    [InlineData("::1/128", "::1", true)]
    [InlineData("::1/128", "127.0.0.1", false)]
    [InlineData("127.0.0.0/8", "::1", false)]
    public void Contains_Address_FollowsThePrefix(string text, string address, bool expected)
    {
        Assert.True(TrustedProxies.TryParse(text, out var network));
        Assert.True(ClientAddress.TryParse(address, out var client));
        Assert.Equal(expected, AddressRange.From(network).Contains(client));
    }

    [Fact]
    public void PrefixMask_EveryLength_HasThatManyOnes()
    {
        for (var prefix = 0; prefix <= 128; prefix++)
        {
            var mask = AddressRange.PrefixMask(prefix);
            Assert.Equal((UInt128)prefix, UInt128.PopCount(mask));
            Assert.Equal((UInt128)prefix, UInt128.LeadingZeroCount(~mask));
        }
    }
}
