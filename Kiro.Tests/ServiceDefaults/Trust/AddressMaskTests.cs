using Kiro.ServiceDefaults.Trust;

namespace Kiro.Tests.ServiceDefaults.Trust;

public sealed class AddressMaskTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.*")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.*")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:*")]
    [InlineData("2001:db8::1", "2001:db8:0:*")]
    [InlineData("::1", "0:0:0:*")]
    [InlineData("not an address", "*")]
    public void Hide_Address_KeepsOnlyItsNetwork(string address, string masked) => Assert.Equal(masked, AddressMask.Hide(address));
}
