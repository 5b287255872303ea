using System.Net;
using CsCheck;
using Kiro.Balancer.Clients;

namespace Kiro.Tests.Balancer.Clients;

public sealed class ClientAddressTests
{
    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("0.0.0.0", "0.0.0.0")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("  203.0.113.7\t", "203.0.113.7")]
    [InlineData("203.0.113.7:54321", "203.0.113.7")]
    [InlineData("\"203.0.113.7\"", "203.0.113.7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("::FFFF:CB00:7107", "203.0.113.7")]
    [InlineData("[::ffff:203.0.113.7]:443", "203.0.113.7")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("2001:DB8:0:0:0:0:0:1", "2001:db8::1")]
    [InlineData("[2001:db8::1]", "2001:db8::1")]
    [InlineData("[2001:db8::1]:54321", "2001:db8::1")]
    [InlineData("\"[2001:db8::1]:54321\"", "2001:db8::1")]
    [InlineData("fe80::1%1", "fe80::1")]
    [InlineData("[fe80::1%1]:80", "fe80::1")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("1111:2222:3333:4444:5555:6666:123.123.123.123", "1111:2222:3333:4444:5555:6666:7b7b:7b7b")]
    public void TryParse_Address_IsRead(string text, string address)
    {
        Assert.True(ClientAddress.TryParse(text, out var parsed));
        Assert.Equal(address, parsed.ToString());
        Assert.Equal(ClientAddress.From(IPAddress.Parse(address)), parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("unknown")]
    [InlineData("_hidden")]
    [InlineData("localhost")]
    [InlineData("1")]
    [InlineData("1.2.3")]
    [InlineData("010.1.1.1")]
    [InlineData("10.1.1.01")]
    [InlineData("00.0.0.0")]
    [InlineData("::ffff:010.1.1.1")]
    [InlineData("127.1")]
    [InlineData("0x7f.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("2130706433")]
    [InlineData("1.2.3.4.5")]
    [InlineData("256.1.1.1")]
    [InlineData("1.1.1.256")]
    [InlineData("1.1.1.0001")]
    [InlineData("1.1.1.-1")]
    [InlineData("1.1.1.+1")]
    [InlineData("1.1. 1.1")]
    [InlineData("1..1.1")]
    [InlineData(".1.1.1.1")]
    [InlineData("1.1.1.1.")]
    [InlineData("١.١.١.١")]
    [InlineData("1.1.1.1/8")]
    [InlineData(":80")]
    [InlineData("[")]
    [InlineData("[]")]
    [InlineData("[]:80")]
    [InlineData("[2001:db8::1")]
    [InlineData("2001:db8::1]")]
    [InlineData("2001:db8:::1")]
    [InlineData("2001:db8::1::2")]
    [InlineData("2001:db8::10000")]
    [InlineData("2001:db8::g")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("::ffff:256.1.1.1")]
    [InlineData("::1/128")]
    [InlineData("::1\0")]
    [InlineData("1111:2222:3333:4444:5555:6666:123.123.123.123.123.123.123.123")]
    public void TryParse_Garbage_IsRejected(string text)
    {
        Assert.False(ClientAddress.TryParse(text, out var parsed));
        Assert.Equal(default, parsed);
    }

    [Fact]
    public void From_MappedAddress_IsTheIPv4Client()
    {
        var mapped = ClientAddress.From(IPAddress.Parse("203.0.113.7").MapToIPv6());

        Assert.True(mapped.IsIPv4);
        Assert.Equal(ClientAddress.From(IPAddress.Parse("203.0.113.7")), mapped);
    }

    [Fact]
    public void From_ScopedAddress_DropsTheScope() =>
        Assert.Equal(ClientAddress.From(IPAddress.Parse("fe80::1")), ClientAddress.From(IPAddress.Parse("fe80::1%7")));

    [Theory]
    [InlineData("::203.0.113.7")]
    [InlineData("64:ff9b::203.0.113.7")]
    public void IsIPv4_OtherEmbeddedForm_IsFalse(string text)
    {
        Assert.True(ClientAddress.TryParse(text, out var address));
        Assert.False(address.IsIPv4);
    }

    [Fact]
    public void ToString_AnyIPv4_RoundTrips() => Gen.UInt.Sample(bits =>
    {
        var address = new IPAddress([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]);
        var client = ClientAddress.From(address);
        return client.ToString() == address.ToString()
            && ClientAddress.TryParse(client.ToString(), out var back) && back == client
            && ClientAddress.TryParse($"{client}:8080", out var withPort) && withPort == client;
    });

    [Fact]
    public void ToString_AnyIPv6_RoundTrips() => Gen.Byte.Array[16].Sample(bytes =>
    {
        var client = ClientAddress.From(new IPAddress(bytes));
        return client.IsIPv4
            || (client.ToString() == new IPAddress(bytes).ToString()
                && ClientAddress.TryParse(client.ToString(), out var back) && back == client
                && ClientAddress.TryParse($"[{client}]:8080", out var withPort) && withPort == client);
    });

    [Fact]
    public void TryParse_AnyText_NeverThrows() =>
        Gen.Char["0123456789abcdefABCDEF.:[]%\"\t xg/-\0"].Array[0, 60].Sample(chars => ClientAddress.TryParse(chars, out _) || true);
}
