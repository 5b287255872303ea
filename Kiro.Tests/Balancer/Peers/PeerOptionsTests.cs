using Kiro.Balancer.Peers;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Tests.Balancer.Peers;

public sealed class PeerOptionsTests
{
    private static readonly ListenPort Own = new("BALANCER_PORT", 13003);

    [Theory]
    [InlineData("10.0.0.2", "http 10.0.0.2 13003")]
    [InlineData("10.0.0.2:80, b.example:8080,,B.example:8080", "http 10.0.0.2 80|http b.example 8080")]
    [InlineData("balancer", "http balancer 13003")]
    [InlineData("https://b.example", "https b.example 13003")]
    [InlineData("http://b.example:1", "http b.example 1")]
    [InlineData("https://[2001:db8::2]:443,[2001:db8::3],2001:db8::4", "https 2001:db8::2 443|http 2001:db8::3 13003|http 2001:db8::4 13003")]
    public void Read_NamesAndAddresses_AreAccepted(string list, string expected) => Assert.Equal(
        expected, string.Join('|', Read($"BALANCER_PEERS={list}", "ADMIN_TOKEN=secret").Peers.Select(peer => $"{peer.Scheme} {peer.Host} {peer.Port}")));

    [Theory]
    [InlineData("a b")]
    [InlineData("a:0")]
    [InlineData("a:65536")]
    [InlineData("a:")]
    [InlineData(":80")]
    [InlineData("ftp://a")]
    [InlineData("http://")]
    [InlineData("http://a/b")]
    [InlineData("http://u:p@a")]
    [InlineData("[a]:80")]
    [InlineData("010.0.0.1:80")]
    [InlineData("10.1")]
    public void Read_InvalidPeer_IsOneError(string part)
    {
        var line = Assert.Single(Support.Settings.Refusals(settings => PeerOptions.Read(settings, Own), $"BALANCER_PEERS=ok:1,{part}", "ADMIN_TOKEN=secret"));

        Assert.StartsWith($"BALANCER_PEERS=ok:1,{part} is not valid: expected host", line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", line, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_WithoutToken_IsOneError() => Assert.Equal(
        "BALANCER_PEERS=b is not valid: expected ADMIN_TOKEN beside it: balancers believe only those that have it.",
        Assert.Single(Support.Settings.Refusals(settings => PeerOptions.Read(settings, Own), "BALANCER_PEERS=b")));

    [Fact]
    public void Read_TokenWithControlCharacters_IsRejectedWithoutShowingIt() => Assert.DoesNotContain(
        "secret",
        Assert.Single(Support.Settings.Refusals(settings => PeerOptions.Read(settings, Own), "BALANCER_PEERS=b", "ADMIN_TOKEN=secret\nsecret")),
        StringComparison.Ordinal);

    [Fact]
    public void Read_Unset_IsEmpty() => Assert.Empty(Read("ADMIN_TOKEN=secret").Peers);

    private static PeerOptions Read(params string[] pairs) => Support.Settings.Read(settings => PeerOptions.Read(settings, Own), pairs);
}
