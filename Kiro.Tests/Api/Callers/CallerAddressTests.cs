using System.Net;
using Kiro.Api.Callers;

namespace Kiro.Tests.Api.Callers;

public sealed class CallerAddressTests
{
    [Theory]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("fe80::7%3", "fe80::7")]
    public void Normalise_AddressVariants_AreTheSame(string address, string expected) =>
        Assert.Equal(IPAddress.Parse(expected), CallerAddress.Normalise(IPAddress.Parse(address)));
}
