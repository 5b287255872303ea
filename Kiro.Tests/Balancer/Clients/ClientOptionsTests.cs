using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients;

public sealed class ClientOptionsTests
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.255.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("10.0.0.1", false)]
    [InlineData("::2", false)]
    public void Read_Unset_TrustsLoopbackOnly(string address, bool trusted) =>
        Assert.Equal(trusted, Trusts(Settings.Read(ClientOptions.Read), address));

    [Fact]
    public void Read_None_TrustsNone() =>
        Assert.Empty(Settings.Read(ClientOptions.Read, "TRUSTED_PROXIES=none").TrustedProxies);

    [Fact]
    public void Read_List_TrustsExactlyThose()
    {
        var options = Settings.Read(ClientOptions.Read, "TRUSTED_PROXIES= 10.0.0.0/8 , fd00::/8,192.0.2.1 ,");

        Assert.Equal(3, options.TrustedProxies.Count);
        Assert.True(Trusts(options, "10.9.9.9"));
        Assert.True(Trusts(options, "fd12::1"));
        Assert.True(Trusts(options, "192.0.2.1"));
        Assert.False(Trusts(options, "127.0.0.1"));
    }

    [Theory]
    [InlineData("everybody", "everybody")]
    [InlineData("10.0.0.0/8,10.0.0.0/33", "10.0.0.0/33")]
    [InlineData("10.0.0.0/8;fd00::/8", "10.0.0.0/8;fd00::/8")]
    [InlineData("none,10.0.0.0/8", "none")]
    [InlineData("*", "*")]
    public void Read_InvalidValue_IsOneErrorThatNamesThePart(string value, string part) => Assert.Equal(
        [$"TRUSTED_PROXIES={value} is not valid: expected addresses or CIDR ranges such as 10.0.0.0/8,fd00::/8, or none; {part} is neither."],
        Settings.Refusals(ClientOptions.Read, "TRUSTED_PROXIES=" + value));

    private static bool Trusts(ClientOptions options, string address) =>
        options.TrustedProxies.Any(range => range.Contains(ClientAddress.From(IPAddress.Parse(address))));
}
