using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Kiro.Balancer.Front.Native;

/// <summary>An address and a port as the kernel has them (struct sockaddr_in, sockaddr_in6).</summary>
internal readonly struct SocketName
{
    /// <summary>Room for any of them, in bytes.</summary>
    public const int MaxLength = 28;

    public const int IPv4Family = 2;
    public const int IPv6Family = 10;
    private const int IPv4Length = 16;

    /// <summary>Writes an end point.</summary>
    /// <returns>The length.</returns>
    public static int Write(IPEndPoint endpoint, Span<byte> name)
    {
        name[..MaxLength].Clear();
        var isIPv4 = endpoint.AddressFamily == AddressFamily.InterNetwork;
        BitConverter.TryWriteBytes(name, (ushort)(isIPv4 ? IPv4Family : IPv6Family));
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], (ushort)endpoint.Port);
        if (isIPv4)
        {
            endpoint.Address.TryWriteBytes(name[4..], out _);
            return IPv4Length;
        }

        endpoint.Address.TryWriteBytes(name[8..], out _);
        BitConverter.TryWriteBytes(name[24..], (uint)endpoint.Address.ScopeId);
        return MaxLength;
    }

    /// <summary>Reads what the kernel wrote.</summary>
    public static IPEndPoint Read(ReadOnlySpan<byte> name)
    {
        var port = BinaryPrimitives.ReadUInt16BigEndian(name[2..]);
        return BitConverter.ToUInt16(name) == IPv4Family
            ? new IPEndPoint(new IPAddress(name.Slice(4, 4)), port)
            : new IPEndPoint(new IPAddress(name.Slice(8, 16), BitConverter.ToUInt32(name[24..])), port);
    }
}
