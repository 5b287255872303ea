using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;
using Microsoft.Extensions.Primitives;

namespace Kiro.Tests.Balancer.Clients;

public sealed class ClientResolverTests
{
    private const string Proxies = "TRUSTED_PROXIES=10.0.0.0/8,fd00::/8";

    // Header lines are separated by |.
    [Theory]
    // An untrusted peer is the client, whatever it sends.
    [InlineData("203.0.113.9", null, "203.0.113.9")]
    [InlineData("203.0.113.9", "198.51.100.1", "203.0.113.9")]
    [InlineData("203.0.113.9", "10.0.0.1", "203.0.113.9")]
    [InlineData("2001:db8::9", "198.51.100.1", "2001:db8::9")]
    // A trusted peer's field is used.
    [InlineData("10.0.0.1", null, "10.0.0.1")]
    [InlineData("10.0.0.1", "", "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", "203.0.113.7:4711", "203.0.113.7")]
    [InlineData("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7")]
    [InlineData("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("fd00::1", "203.0.113.7", "203.0.113.7")]
    // What the client sent itself is further left.
    [InlineData("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", "10.0.0.9, 203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", "evil, 203.0.113.7", "203.0.113.7")]
    // A chain of trusted proxies.
    [InlineData("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", "203.0.113.7,10.0.0.3,10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", "198.51.100.1, 203.0.113.7, fd00::2, 10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3")]
    // Several field lines are one list.
    [InlineData("10.0.0.1", "203.0.113.7|10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", "198.51.100.1|203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", "198.51.100.1, 203.0.113.7|10.0.0.3, 10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", "203.0.113.7||10.0.0.2", "203.0.113.7")]
    // Garbage ends the walk at the last good address.
    [InlineData("10.0.0.1", "unknown", "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.7, garbage, 10.0.0.2", "10.0.0.2")]
    [InlineData("10.0.0.1", "203.0.113.7, 1", "10.0.0.1")]
    [InlineData("10.0.0.1", "203.0.113.7 10.0.0.2", "10.0.0.1")]
    // Empty list elements are ignored (RFC 9110, section 5.6.1.2).
    [InlineData("10.0.0.1", "203.0.113.7, ", "203.0.113.7")]
    [InlineData("10.0.0.1", "203.0.113.7,,10.0.0.2", "203.0.113.7")]
    [InlineData("10.0.0.1", ", ,", "10.0.0.1")]
    [InlineData("10.0.0.1", ",203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.1", " ", "10.0.0.1")]
    public void Resolve_Fields_IsTheClient(string peer, string? lines, string client)
    {
        var resolver = new ClientResolver(Settings.Read(ClientOptions.Read, Proxies));

        var resolved = resolver.Resolve(IPAddress.Parse(peer), new StringValues(lines?.Split('|')));

        Assert.Equal(client, resolved.Address.ToString());
        Assert.Equal(ClientAddress.From(IPAddress.Parse(peer)), resolved.Peer);
        Assert.Equal(peer is "10.0.0.1" or "::ffff:10.0.0.1" or "fd00::1", resolved.PeerIsTrusted);
    }

    [Fact]
    public void Resolve_NoPeer_CountsAsLoopback()
    {
        var resolver = new ClientResolver(Settings.Read(ClientOptions.Read));

        Assert.Equal("203.0.113.7", resolver.Resolve(null, "203.0.113.7").Address.ToString());
        Assert.Equal("127.0.0.1", resolver.Resolve(null, default).Address.ToString());
    }

    [Fact]
    public void Resolve_NoneTrusted_PeerIsTheClient()
    {
        var resolver = new ClientResolver(Settings.Read(ClientOptions.Read, "TRUSTED_PROXIES=none"));

        Assert.Equal("127.0.0.1", resolver.Resolve(IPAddress.Loopback, "203.0.113.7").Address.ToString());
    }

    [Theory]
    [InlineData("203.0.113.9", "198.51.100.1")]
    [InlineData("10.0.0.1", "203.0.113.7, 10.0.0.3, 10.0.0.2:4711")]
    [InlineData("10.0.0.1", "unknown, garbage")]
    public void Resolve_IPv4_AllocatesNothing(string peer, string header)
    {
        var resolver = new ClientResolver(Settings.Read(ClientOptions.Read, Proxies));
        var hash = new ClientHash(Settings.Read(HashingOptions.Read));
        var address = IPAddress.Parse(peer);
        StringValues lines = header;
        var sum = 0;

        var bytes = Allocated.By(_ => sum += hash.Slot(resolver.Resolve(address, lines).Address));

        Assert.Equal(0, bytes);
    }
}
