using System.Net;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Kiro.Tests.Balancer.Clients;

/// <summary>CLIENT_IP_HEADER and Forwarded (RFC 7239). The peer is 10.0.0.1, and 10.0.0.0/8 and fd00::/8 are trusted.</summary>
public sealed class ClientHeaderTests
{
    private const string Proxies = "TRUSTED_PROXIES=10.0.0.0/8,fd00::/8";

    public static TheoryData<string, string> Forwarded { get; } = new()
    {
        { "for=203.0.113.7", "203.0.113.7" },
        { "For=\"203.0.113.7\"", "203.0.113.7" },
        { "for=203.0.113.7;proto=https;by=10.0.0.1", "203.0.113.7" },
        { "proto=https; host=\"a.example\" ;FOR=203.0.113.7", "203.0.113.7" },
        { "for=\"203.0.113.7:4711\"", "203.0.113.7" },
        { "for=\"203.0.113.7:_port\"", "203.0.113.7" },
        { "for=\"[2001:db8::7]\"", "2001:db8::7" },
        { "for=\"[2001:db8::7]:4711\"", "2001:db8::7" },
        { "for=\"[::ffff:203.0.113.7]\"", "203.0.113.7" },
        // From right to left, while the address to the right is trusted.
        { "for=198.51.100.1, for=203.0.113.7", "203.0.113.7" },
        { "for=198.51.100.1,for=203.0.113.7,for=10.0.0.2", "203.0.113.7" },
        { "for=203.0.113.7, for=\"[fd00::2]:80\", for=10.0.0.2", "203.0.113.7" },
        { "for=10.0.0.3, for=10.0.0.2", "10.0.0.3" },
        { "for=203.0.113.7|for=10.0.0.2", "203.0.113.7" },
        { "for=203.0.113.7, , for=10.0.0.2,", "203.0.113.7" },
        // Commas, semicolons and quotes within quotes.
        { "for=203.0.113.7;host=\"a,for=1.2.3.4\"", "203.0.113.7" },
        { "for=203.0.113.7;x=\"a;for=1.2.3.4\"", "203.0.113.7" },
        { "for=203.0.113.7;x=\"a\\\";for=1.2.3.4\"", "203.0.113.7" },
        { "for=203.0.113.7;x=\"a\\\\\"", "203.0.113.7" },
        { "for=203.0.113.7;x=\"a\\\\\\\", for=1.2.3.4\", for=10.0.0.2", "203.0.113.7" },
        // A quote left open by the client does not swallow what the proxy appended.
        { "for=\"evil, for=203.0.113.7", "203.0.113.7" },
        { "for=\"evil, for=\"203.0.113.7\"", "203.0.113.7" },
        { "for=\"evil\\, for=203.0.113.7;host=\"a\"", "203.0.113.7" },
        // Obfuscated, malformed or without for=: ignored.
        { "for=unknown", "10.0.0.1" },
        { "for=\"unknown\"", "10.0.0.1" },
        { "for=_gazonk", "10.0.0.1" },
        { "for=203.0.113.7, for=unknown, for=10.0.0.2", "10.0.0.2" },
        { "for=203.0.113.7, proto=https", "10.0.0.1" },
        { "for=", "10.0.0.1" },
        { "for", "10.0.0.1" },
        { "for=\"\"", "10.0.0.1" },
        { "for=\"203.0.113.7", "10.0.0.1" },
        { "for=203.0.113.7\"", "10.0.0.1" },
        { "for=203.0.113.7;for=198.51.100.1", "10.0.0.1" },
        { "for = 203.0.113.7", "10.0.0.1" },
        { "for=[2001:db8::7", "10.0.0.1" },
        { "for=2001:db8::7", "10.0.0.1" },
        { "for=\"2001:db8::7\"", "10.0.0.1" },
        { "for=\"[2001:db8::7]x\"", "10.0.0.1" },
        { "for=\"[2001:db8::7]:\"", "10.0.0.1" },
        { "for=\"203.0.113.7:123456\"", "10.0.0.1" },
        { "for=\"203.0.113.7:http\"", "10.0.0.1" },
        { "for=\"[203.0.113.7]\"", "10.0.0.1" },
        { "for=256.0.0.1", "10.0.0.1" },
        { "203.0.113.7", "10.0.0.1" },
        { "for=203.0.113.7 for=198.51.100.1", "10.0.0.1" },
        { "", "10.0.0.1" },
    };

    [Theory]
    [MemberData(nameof(Forwarded))]
    public void Resolve_Forwarded_GivesTheClient(string lines, string client)
    {
        Assert.Equal(client, Resolve("CLIENT_IP_HEADER=forwarded", ("Forwarded", lines)));
        // X-Forwarded-For is not used.
        Assert.Equal(client, Resolve("CLIENT_IP_HEADER=Forwarded", ("Forwarded", lines), ("X-Forwarded-For", "192.0.2.1")));
        // The fallback if X-Forwarded-For is missing and nothing is configured.
        Assert.Equal(client, Resolve("CLIENT_IP_HEADER=", ("Forwarded", lines)));
    }

    [Theory]
    [MemberData(nameof(Forwarded))]
    public void Read_Bytes_GivesTheSame(string lines, string client)
    {
        var resolver = Resolver("CLIENT_IP_HEADER=Forwarded");
        var found = resolver.Begin(ClientAddress.From(IPAddress.Parse("10.0.0.1")));
        var all = lines.Split('|');

        for (var line = all.Length - 1; line >= 0 && resolver.Read(Encoding.Latin1.GetBytes(all[line]), ClientHeaderFormat.Forwarded, all.Length, ref found); line--)
        {
        }

        Assert.Equal(client, found.Address.ToString());
    }

    [Theory]
    [InlineData("CLIENT_IP_HEADER=", "203.0.113.7")]
    [InlineData("CLIENT_IP_HEADER=x-forwarded-for", "203.0.113.7")]
    [InlineData("CLIENT_IP_HEADER=Forwarded", "198.51.100.1")]
    [InlineData("CLIENT_IP_HEADER=CF-Connecting-IP", "192.0.2.9")]
    public void Resolve_SeveralFields_OnlyTheConfiguredOneCounts(string setting, string client) => Assert.Equal(client, Resolve(
        setting, ("X-Forwarded-For", "203.0.113.7"), ("Forwarded", "for=198.51.100.1"), ("CF-Connecting-IP", "192.0.2.9")));

    [Theory]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("[2001:db8::7]:80", "2001:db8::7")]
    [InlineData(" 203.0.113.7 ", "203.0.113.7")]
    [InlineData("10.0.0.9", "10.0.0.9")]
    [InlineData("203.0.113.7, 198.51.100.1", "10.0.0.1")]
    [InlineData("203.0.113.7|198.51.100.1", "10.0.0.1")]
    [InlineData("unknown", "10.0.0.1")]
    [InlineData("", "10.0.0.1")]
    public void Resolve_SingleAddress_IsTheClient(string lines, string client) =>
        Assert.Equal(client, Resolve("CLIENT_IP_HEADER=CF-Connecting-IP", ("CF-Connecting-IP", lines)));

    [Fact]
    public void Resolve_ExplicitXForwardedFor_NeverReadsForwarded() =>
        Assert.Equal("10.0.0.1", Resolve("CLIENT_IP_HEADER=X-Forwarded-For", ("Forwarded", "for=203.0.113.7")));

    [Theory]
    [InlineData("CLIENT_IP_HEADER=")]
    [InlineData("CLIENT_IP_HEADER=Forwarded")]
    [InlineData("CLIENT_IP_HEADER=CF-Connecting-IP")]
    public void Resolve_UntrustedPeer_IsTheClient(string setting)
    {
        var headers = Headers(("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4"), ("CF-Connecting-IP", "1.2.3.4"));

        var client = Resolver(setting).Resolve(IPAddress.Parse("203.0.113.9"), headers, out var hasField);

        Assert.Equal("203.0.113.9", client.Address.ToString());
        Assert.True(hasField);
    }

    [Fact]
    public void Read_LongLineOfBytes_IsReadToItsEnd()
    {
        var line = string.Concat(Enumerable.Repeat("for=10.0.0.2, ", 100)) + "for=10.0.0.3";
        var resolver = Resolver("CLIENT_IP_HEADER=Forwarded");
        var found = resolver.Begin(ClientAddress.From(IPAddress.Parse("10.0.0.1")));

        Assert.True(resolver.Read(Encoding.ASCII.GetBytes(line), ClientHeaderFormat.Forwarded, 1, ref found));
        Assert.Equal("10.0.0.2", found.Address.ToString());
    }

    [Fact]
    public void Read_ShortLineOfBytes_AllocatesNothing()
    {
        var resolver = Resolver("CLIENT_IP_HEADER=Forwarded");
        var line = "for=203.0.113.7;proto=https, for=10.0.0.2"u8.ToArray();
        var peer = ClientAddress.From(IPAddress.Parse("10.0.0.1"));

        Assert.Equal(0, Allocated.By(_ =>
        {
            var found = resolver.Begin(peer);
            resolver.Read(line, ClientHeaderFormat.Forwarded, 1, ref found);
        }));
    }

    [Theory]
    [InlineData("203.0.113.7", "a.example:80", "for=203.0.113.7;host=\"a.example:80\";proto=http")]
    [InlineData("2001:db8::7", "a.example", "for=\"[2001:db8::7]\";host=\"a.example\";proto=http")]
    [InlineData("203.0.113.7", "", "for=203.0.113.7;proto=http")]
    [InlineData("203.0.113.7", "a\"b", "for=203.0.113.7;proto=http")]
    public void Of_Peer_RoundTrips(string peer, string host, string element)
    {
        var address = ClientAddress.From(IPAddress.Parse(peer));

        Assert.Equal(element, ForwardedElement.Of(address, host, "http"));
        Assert.True(ForwardedElement.TryReadFor(element, out var back));
        Assert.Equal(address, back);
    }

    [Theory]
    [InlineData("X Y")]
    [InlineData("X-Real-IP,Forwarded")]
    [InlineData("X-Real-IP:")]
    public void Read_InvalidFieldName_IsOneError(string name) => Assert.Equal(
        [$"CLIENT_IP_HEADER={name} is not valid: expected X-Forwarded-For, Forwarded, or the name of a field with one address such as CF-Connecting-IP."],
        Settings.Refusals(ClientHeader.Read, $"CLIENT_IP_HEADER={name}"));

    private static string Resolve(string setting, params (string Name, string Lines)[] fields) =>
        Resolver(setting).Resolve(IPAddress.Parse("10.0.0.1"), Headers(fields), out _).Address.ToString();

    private static ClientResolver Resolver(string setting) => new(Settings.Read(ClientOptions.Read, Proxies, setting));

    private static HeaderDictionary Headers(params (string Name, string Lines)[] fields)
    {
        var headers = new HeaderDictionary();
        foreach (var (name, lines) in fields)
        {
            headers[name] = lines.Split('|');
        }

        return headers;
    }
}
