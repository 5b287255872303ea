using System.Net;
using CsCheck;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Selection;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Selection;

public sealed class ClientHashTests
{
    private readonly ClientHash _hash = new(Settings.Read(HashingOptions.Read));

    [Fact]
    public void Slot_AnyAddress_IsInRange() => Gen.Byte.Array[16].Sample(bytes =>
        _hash.Slot(ClientAddress.From(new IPAddress(bytes))) is >= 0 and < ClientHash.SlotCount);

    [Fact]
    public void Slot_SameIPv6Network_IsTheSame() => Gen.Select(Gen.Byte.Array[8], Gen.Byte.Array[8], Gen.Byte.Array[8]).Sample((network, one, other) =>
        new IPAddress([.. network, .. one]).IsIPv4MappedToIPv6
        || Slot([.. network, .. one]) == Slot([.. network, .. other]));

    [Theory]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("203.0.113.7", "::203.0.113.7", false)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true)]
    [InlineData("2001:db8:0:1::1", "2001:db8:0:2::1", false)]
    public void Slot_TwoAddresses_ShareAKeyByPrefix(string one, string other, bool same) =>
        Assert.Equal(same, Slot(one) == Slot(other));

    [Theory]
    [InlineData(24, 64, "203.0.113.7", "203.0.113.200", true)]
    [InlineData(24, 64, "203.0.113.7", "203.0.114.7", false)]
    [InlineData(1, 64, "1.0.0.0", "127.255.255.255", true)]
    [InlineData(1, 64, "1.0.0.0", "128.0.0.0", false)]
    [InlineData(32, 48, "2001:db8:0:1::1", "2001:db8:0:ffff::1", true)]
    [InlineData(32, 48, "2001:db8:0:1::1", "2001:db8:1:1::1", false)]
    [InlineData(32, 128, "2001:db8::1", "2001:db8::2", false)]
    public void Slot_PrefixSettings_AreApplied(int ipv4, int ipv6, string one, string other, bool same)
    {
        var hash = new ClientHash(new HashingOptions(HashingOptions.DefaultSeed, ipv4, ipv6));

        Assert.Equal(same, hash.Slot(Parse(one)) == hash.Slot(Parse(other)));
    }

    [Fact]
    public void Slot_OtherSeed_IsDifferent()
    {
        var other = new ClientHash(Settings.Read(HashingOptions.Read, "HASH_SEED=other"));

        Assert.NotEqual(Slot("203.0.113.7"), other.Slot(Parse("203.0.113.7")));
        Assert.NotEqual(Slot("2001:db8::1"), other.Slot(Parse("2001:db8::1")));
    }

    [Fact]
    public void Slot_SequentialAddresses_AreDistributedRandomly()
    {
        var hit = new bool[ClientHash.SlotCount];
        for (var client = 0u; client < ClientHash.SlotCount; client++)
        {
            hit[Slot([10, (byte)(client >> 16), (byte)(client >> 8), (byte)client])] = true;
        }

        // With as many balls as bins, 1/e of the bins stay empty.
        Assert.InRange(hit.Count(slot => slot) / (double)ClientHash.SlotCount, 1 - 1 / Math.E - 0.002, 1 - 1 / Math.E + 0.002);
    }

    private static ClientAddress Parse(string address) => ClientAddress.From(IPAddress.Parse(address));

    private int Slot(string address) => _hash.Slot(Parse(address));

    private int Slot(byte[] address) => _hash.Slot(ClientAddress.From(new IPAddress(address)));
}
