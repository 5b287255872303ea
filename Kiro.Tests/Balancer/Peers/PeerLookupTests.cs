using Kiro.Balancer.Peers;
using Kiro.ServiceDefaults.Settings;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kiro.Tests.Balancer.Peers;

public sealed class PeerLookupTests
{
    private static readonly ListenPort Everywhere = new("BALANCER_PORT", 13003);

    [Theory]
    [InlineData("127.0.0.1,[::1]:13003,198.51.100.7,198.51.100.7:80", "198.51.100.7:13003 198.51.100.7:80")]
    [InlineData("127.0.0.1:13002,198.51.100.7,http://198.51.100.7:13003", "127.0.0.1:13002 198.51.100.7:13003")]
    [InlineData("https://127.0.0.1:443,https://198.51.100.7:443", "198.51.100.7:443")]
    public async Task FindAsync_OwnAddressesAndDuplicates_AreOmitted(string list, string expected) =>
        Assert.Equal(expected, string.Join(' ', await FindAsync(Everywhere, $"BALANCER_PEERS={list}", "TLS_PORT=443")));

    [Fact]
    public async Task FindAsync_ListensOnOneAddress_OtherLocalAddressIsAPeer() => Assert.Equal(
        ["127.0.0.2:13003"],
        (await FindAsync(Everywhere with { Addresses = [System.Net.IPAddress.Loopback] }, "BALANCER_PEERS=127.0.0.1,127.0.0.2")).Select(peer => peer.ToString()));

    [Fact]
    public async Task FindAsync_Name_IsAllItsAddresses() => Assert.Contains(
        "localhost (127.0.0.1:1)", (await FindAsync(Everywhere, "BALANCER_PEERS=localhost:1")).Select(peer => peer.ToString()));

    [Fact]
    public async Task FindAsync_UnknownName_IsEmpty() => Assert.Empty(await FindAsync(Everywhere, "BALANCER_PEERS=no-such-name.invalid"));

    [Fact]
    public async Task FindAsync_TooMany_CountsTheOmitted()
    {
        var lookup = Lookup(Everywhere, "BALANCER_PEERS=" + string.Join(',', Enumerable.Range(1, PeerLookup.MaxPeers + 3).Select(host => $"192.0.2.{host}:80")));

        Assert.Equal(PeerLookup.MaxPeers, (await lookup.FindAsync(TestContext.Current.CancellationToken)).Count);
        Assert.Equal(3, lookup.Omitted);
    }

    private static Task<IReadOnlyList<PeerAddress>> FindAsync(ListenPort own, params string[] pairs) =>
        Lookup(own, pairs).FindAsync(TestContext.Current.CancellationToken);

    private static PeerLookup Lookup(ListenPort own, params string[] pairs) => new(
        Support.Settings.Read(settings => PeerOptions.Read(settings, own), ["ADMIN_TOKEN=secret", .. pairs]), TimeProvider.System, NullLogger<PeerLookup>.Instance);
}
