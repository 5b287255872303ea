using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.ProxyProtocol;

public sealed class ProxyHeaderTests
{
    [Theory]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\r\n", "203.0.113.7:56324")]
    [InlineData("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0")]
    [InlineData("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", "[2001:db8::7]:56324")]
    [InlineData("PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2\r\n", "[2001:db8::7]:1")]
    [InlineData("PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "[::ffff:203.0.113.7]:1")]
    [InlineData("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")]
    [InlineData("PROXY UNKNOWN\r\n", null)]
    [InlineData("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", null)]
    [InlineData("PROXY UNKNOWN whatever  it\tsays\r\n", null)]
    public void Parse_Text_IsComplete(string header, string? source) => AssertRead(Encoding.Latin1.GetBytes(header), source);

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("proxy TCP4 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData(" PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY\tTCP4 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY  TCP4 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4  203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2 \r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\rX")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2\r\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 2 3\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 01 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 65536 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 1 -2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 +1 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 198.51.100.1 x 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.07 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.256 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 0xcb.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n")]
    [InlineData("PROXY TCP4 203.0.113.7 2001:db8::1 1 2\r\n")]
    [InlineData("PROXY TCP6 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY TCP6 [2001:db8::7] ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 fe80::1%1 ::1 1 2\r\n")]
    [InlineData("PROXY TCP6 2001:db8::7/64 ::1 1 2\r\n")]
    [InlineData("PROXY TCP5 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY UDP4 203.0.113.7 198.51.100.1 1 2\r\n")]
    [InlineData("PROXY UNKNOWNX\r\n")]
    [InlineData("PROXY \r\n")]
    [InlineData("PROXY\r\n")]
    [InlineData("\r\n\r\nX")]
    [InlineData("\n")]
    [InlineData("\0")]
    public void Parse_NoHeader_IsInvalid(string bytes) => AssertInvalid(Encoding.Latin1.GetBytes(bytes));

    [Fact]
    public void Parse_TextWithoutEnd_IsInvalidAtTheLimit()
    {
        var endless = Encoding.Latin1.GetBytes("PROXY UNKNOWN " + new string('x', 200));

        Assert.Equal(ProxyHeaderState.Incomplete, ProxyHeader.Parse(endless.AsSpan(0, 106), out _, out _));
        Assert.Equal(ProxyHeaderState.Invalid, ProxyHeader.Parse(endless.AsSpan(0, 107), out _, out _));
    }

    [Theory]
    [InlineData(0x21, 0x11, "203.0.113.7", "203.0.113.7:56324")]
    [InlineData(0x21, 0x21, "2001:db8::7", "[2001:db8::7]:56324")]
    [InlineData(0x21, 0x12, "203.0.113.7", null)]
    [InlineData(0x21, 0x22, "2001:db8::7", null)]
    [InlineData(0x21, 0x31, null, null)]
    [InlineData(0x21, 0x32, null, null)]
    [InlineData(0x21, 0x00, "", null)]
    [InlineData(0x20, 0x00, "", null)]
    [InlineData(0x20, 0x11, "203.0.113.7", null)]
    [InlineData(0x20, 0xFF, "", null)]
    public void Parse_Binary_IsComplete(byte command, byte family, string? address, string? source)
    {
        AssertRead(Binary(command, family, Addresses(address)), source);
        AssertRead(Binary(command, family, [.. Addresses(address), .. Tlv(4, new byte[9]), .. Tlv(2, "a.example"u8), .. Tlv(0xEE, [])]), source);
    }

    [Theory]
    [InlineData(0x11, 0x11)]
    [InlineData(0x01, 0x11)]
    [InlineData(0x31, 0x11)]
    [InlineData(0x22, 0x11)]
    [InlineData(0x2F, 0x11)]
    [InlineData(0x21, 0x10)]
    [InlineData(0x21, 0x13)]
    [InlineData(0x21, 0x01)]
    [InlineData(0x21, 0x41)]
    [InlineData(0x21, 0xFF)]
    public void Parse_BinaryWithUnknownFamily_IsInvalid(byte command, byte family) => AssertInvalid(Binary(command, family, new byte[216]));

    [Theory]
    [InlineData(0x11, 0)]
    [InlineData(0x11, 11)]
    [InlineData(0x12, 11)]
    [InlineData(0x21, 35)]
    [InlineData(0x31, 215)]
    [InlineData(0x11, 13)]
    [InlineData(0x11, 14)]
    public void Parse_BinaryTooShortForItsAddresses_IsInvalid(byte family, int length) => AssertInvalid(Binary(0x21, family, new byte[length]));

    [Fact]
    public void Parse_BinaryWithTruncatedTlv_IsInvalid()
    {
        byte[] value = [.. Addresses("203.0.113.7"), 0xEE, 0, 5, 1, 2, 3, 4];

        AssertInvalid(Binary(0x21, 0x11, value));
        AssertRead(Binary(0x21, 0x11, [.. value, 5]), "203.0.113.7:56324");
    }

    [Fact]
    public void Parse_BinaryOfAnyLength_IsAcceptedUpToTheLimit()
    {
        AssertRead(Binary(0x20, 0x00, new byte[ProxyHeader.MaxBytes - 16]), null);
        Assert.Equal(ProxyHeaderState.Invalid, ProxyHeader.Parse(Binary(0x20, 0x00, new byte[ProxyHeader.MaxBytes - 15]).AsSpan(0, 16), out _, out _));
        AssertInvalid(Binary(0x21, 0x11, new byte[65_535]));
    }

    [Fact]
    public void Parse_BinaryWithChecksum_VerifiesIt()
    {
        var header = Binary(0x21, 0x11, [.. Addresses("203.0.113.7"), .. Tlv(3, new byte[4]), .. Tlv(2, "a.example"u8)]);
        var sum = uint.MaxValue;
        foreach (var value in header)
        {
            sum = BitOperations.Crc32C(sum, value);
        }

        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16 + 12 + 3), ~sum);
        AssertRead(header, "203.0.113.7:56324");
        // Everything except the checksum's type.
        foreach (var place in Enumerable.Range(16, header.Length - 16).Where(place => place != 16 + 12))
        {
            header[place] ^= 1;
            Assert.NotEqual(ProxyHeaderState.Complete, ProxyHeader.Parse(header, out _, out _));
            header[place] ^= 1;
        }

        AssertInvalid(Binary(0x21, 0x11, [.. Addresses("203.0.113.7"), .. Tlv(3, new byte[5])]));
    }

    [Fact]
    public void Parse_AnyBytes_NeitherThrowsNorOverreads()
    {
        var random = new Random(16);
        byte[][] seeds = [
            Encoding.ASCII.GetBytes("PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\r\nGET / HTTP/1.1\r\n"),
            [.. Binary(0x21, 0x21, [.. Addresses("2001:db8::7"), .. Tlv(2, "a.example"u8)]), .. "GET /"u8],
        ];
        for (var round = 0; round < 200_000; round++)
        {
            var bytes = (byte[])seeds[round % 2].Clone();
            for (var change = random.Next(4); change >= 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var seen = bytes.AsSpan(0, random.Next(bytes.Length + 1));
            var state = ProxyHeader.Parse(seen, out var length, out _);
            if (state == ProxyHeaderState.Complete)
            {
                Assert.InRange(length, 15, seen.Length);
            }
        }
    }

    // Every prefix is incomplete, and what follows is ignored.
    private static void AssertRead(byte[] header, string? source)
    {
        for (var length = 0; length < header.Length; length++)
        {
            Assert.Equal(ProxyHeaderState.Incomplete, ProxyHeader.Parse(header.AsSpan(0, length), out _, out _));
        }

        foreach (var rest in (string[])["", "GET / HTTP/1.1\r\n\r\n", "PROXY UNKNOWN\r\n", "\r\n\0"])
        {
            byte[] bytes = [.. header, .. Encoding.Latin1.GetBytes(rest)];
            Assert.Equal(ProxyHeaderState.Complete, ProxyHeader.Parse(bytes, out var length, out var told));
            Assert.Equal((header.Length, source), (length, told?.ToString()));
        }
    }

    private static void AssertInvalid(byte[] bytes)
    {
        Assert.Equal(ProxyHeaderState.Invalid, ProxyHeader.Parse(bytes, out _, out var source));
        Assert.Null(source);
    }

    private static byte[] Binary(byte command, byte family, byte[] rest) => ProxyHeaderBytes.Binary(command, family, rest);

    private static byte[] Addresses(string? address) => ProxyHeaderBytes.Addresses(address, 56324);

    private static byte[] Tlv(byte type, ReadOnlySpan<byte> value) => [type, (byte)(value.Length >> 8), (byte)value.Length, .. value];
}
