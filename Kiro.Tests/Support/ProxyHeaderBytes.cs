using System.Net;

namespace Kiro.Tests.Support;

/// <summary>Builds PROXY protocol version 2 headers.</summary>
internal static class ProxyHeaderBytes
{
    /// <param name="command">0x20 for LOCAL, 0x21 for PROXY.</param>
    /// <param name="family">0x11 for TCP over IPv4, 0x21 over IPv6.</param>
    /// <param name="rest">Addresses and TLVs.</param>
    public static byte[] Binary(byte command, byte family, byte[] rest) =>
        [.. "\r\n\r\n\0\r\nQUIT\n"u8, command, family, (byte)(rest.Length >> 8), (byte)rest.Length, .. rest];

    /// <summary>Source and destination addresses. Null gives UNIX socket paths, "" none.</summary>
    public static byte[] Addresses(string? address, ushort port = 1) => address switch
    {
        null => new byte[216],
        "" => [],
        _ when IPAddress.Parse(address).GetAddressBytes() is var bytes => [.. bytes, .. new byte[bytes.Length], (byte)(port >> 8), (byte)port, 1, 187],
        _ => [],
    };

    /// <summary>The header that HAProxy sends for a client.</summary>
    public static string Of(string client) => System.Text.Encoding.Latin1.GetString(
        Binary(0x21, client.Contains(':', StringComparison.Ordinal) ? (byte)0x21 : (byte)0x11, Addresses(client)));
}
