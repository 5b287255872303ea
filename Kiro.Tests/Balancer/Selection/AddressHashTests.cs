using System.Buffers.Binary;
using System.IO.Hashing;
using CsCheck;
using Kiro.Balancer.Selection;

namespace Kiro.Tests.Balancer.Selection;

public sealed class AddressHashTests
{
    [Fact]
    public void Of_AnyAddressAndSeed_IsXxh3OfItsBytes() => Gen.Select(Gen.Byte.Array[16], Gen.ULong).Sample((bytes, seed) =>
        new AddressHash(seed).Of(BinaryPrimitives.ReadUInt128BigEndian(bytes)) == XxHash3.HashToUInt64(bytes, (long)seed));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ulong.MaxValue)]
    [InlineData(HashingOptions.DefaultSeed)]
    public void Of_OneBitOrAllButOne_IsXxh3OfItsBytes(ulong seed)
    {
        var bytes = new byte[16];
        for (var bit = 0; bit < 128; bit++)
        {
            foreach (var address in (UInt128[])[UInt128.One << bit, ~(UInt128.One << bit)])
            {
                BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
                Assert.Equal(XxHash3.HashToUInt64(bytes, (long)seed), new AddressHash(seed).Of(address));
            }
        }
    }
}
