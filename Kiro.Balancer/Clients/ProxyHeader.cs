using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;
using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <summary>The result of parsing a prefix of the header.</summary>
internal enum ProxyHeaderState
{
    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>A whole, valid header.</summary>
    Complete,

    /// <summary>No header, or a malformed one: close the connection.</summary>
    Invalid,
}

/// <summary>
/// Parses PROXY protocol headers ("The PROXY protocol, versions 1 and 2", W. Tarreau, HAProxy). Strict: the first wrong byte is an
/// error.
/// </summary>
internal static class ProxyHeader
{
    /// <summary>In bytes; nginx has the same limit. Version 1 has at most 107.</summary>
    public const int MaxBytes = 4096;

    private const int MaxText = 107;
    private const int FixedLength = 16;
    private const int ChecksumType = 3;
    private const int TlvHead = 3;

    private static ReadOnlySpan<byte> Signature => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>Parses a header.</summary>
    /// <param name="bytes">The bytes received so far.</param>
    /// <param name="length">The length of a complete header; the client's data follows.</param>
    /// <param name="source">The client, of a complete header. Null if the proxy sends none (UNKNOWN, LOCAL, not IP): the
    /// connection is then the proxy's own.</param>
    public static ProxyHeaderState Parse(ReadOnlySpan<byte> bytes, out int length, out IPEndPoint? source)
    {
        (length, source) = (0, null);
        if (bytes.IsEmpty)
        {
            return ProxyHeaderState.Incomplete;
        }

        return bytes[0] == Signature[0] ? ParseBinary(bytes, out length, out source) : ParseText(bytes, out length, out source);
    }

    // Version 1: PROXY TCP4 source destination source-port destination-port CRLF
    private static ProxyHeaderState ParseText(ReadOnlySpan<byte> bytes, out int length, out IPEndPoint? source)
    {
        (length, source) = (0, null);
        var start = "PROXY "u8;
        var within = bytes[..Math.Min(bytes.Length, MaxText)];
        if (!within[..Math.Min(within.Length, start.Length)].SequenceEqual(start[..Math.Min(within.Length, start.Length)]))
        {
            return ProxyHeaderState.Invalid;
        }

        var end = within.IndexOfAny((byte)'\r', (byte)'\n');
        if (end < 0 || (within[end] == '\r' && end + 1 == within.Length))
        {
            return within.Length == MaxText ? ProxyHeaderState.Invalid : ProxyHeaderState.Incomplete;
        }

        if (end < start.Length || within[end] == '\n' || within[end + 1] != '\n')
        {
            return ProxyHeaderState.Invalid;
        }

        length = end + 2;
        var text = Encoding.Latin1.GetString(within[start.Length..end]);
        // The rest of the line is ignored.
        if (text == "UNKNOWN" || text.StartsWith("UNKNOWN ", StringComparison.Ordinal))
        {
            return ProxyHeaderState.Complete;
        }

        var family = text.StartsWith("TCP4 ", StringComparison.Ordinal) ? AddressFamily.InterNetwork
            : text.StartsWith("TCP6 ", StringComparison.Ordinal) ? AddressFamily.InterNetworkV6 : AddressFamily.Unspecified;
        if (text.Split(' ') is not [_, var from, var to, var fromPort, var toPort] || !TryRead(from, fromPort, family, out source)
            || !TryRead(to, toPort, family, out _))
        {
            source = null;
            return ProxyHeaderState.Invalid;
        }

        return ProxyHeaderState.Complete;
    }

    private static readonly SearchValues<char> IPv6Digits = SearchValues.Create("0123456789abcdefABCDEF:.");

    private static bool TryRead(string address, string port, AddressFamily family, out IPEndPoint? endpoint)
    {
        endpoint = null;
        // IPAddress also accepts "1", "0x7f.1", "[::1]:80" and "fe80::1%1".
        if (!IPAddress.TryParse(address, out var parsed) || parsed.AddressFamily != family
            || (family == AddressFamily.InterNetwork ? parsed.ToString() != address : address.AsSpan().ContainsAnyExcept(IPv6Digits))
            || !ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || (port.Length > 1 && port[0] == '0'))
        {
            return false;
        }

        endpoint = new IPEndPoint(parsed, number);
        return true;
    }

    // Version 2: signature, version and command, family and protocol, length of the rest; addresses; TLVs.
    private static ProxyHeaderState ParseBinary(ReadOnlySpan<byte> bytes, out int length, out IPEndPoint? source)
    {
        (length, source) = (0, null);
        var seen = Math.Min(bytes.Length, Signature.Length);
        if (!bytes[..seen].SequenceEqual(Signature[..seen]) || (bytes.Length > 12 && bytes[12] is not (0x20 or 0x21)))
        {
            return ProxyHeaderState.Invalid;
        }

        if (bytes.Length < FixedLength)
        {
            return ProxyHeaderState.Incomplete;
        }

        var (isLocal, family) = (bytes[12] == 0x20, bytes[13]);
        length = FixedLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        var addresses = AddressesOf(family);
        // With LOCAL, addresses are ignored.
        if (length > MaxBytes || (!isLocal && (addresses < 0 || length < FixedLength + addresses)))
        {
            return ProxyHeaderState.Invalid;
        }

        if (bytes.Length < length)
        {
            return ProxyHeaderState.Incomplete;
        }

        if (isLocal || family == 0)
        {
            return ProxyHeaderState.Complete;
        }

        var header = bytes[..length];
        if (!AreValid(header, FixedLength + addresses))
        {
            return ProxyHeaderState.Invalid;
        }

        source = family switch
        {
            0x11 => new IPEndPoint(new IPAddress(header.Slice(16, 4)), BinaryPrimitives.ReadUInt16BigEndian(header[24..])),
            0x21 => new IPEndPoint(new IPAddress(header.Slice(16, 16)), BinaryPrimitives.ReadUInt16BigEndian(header[48..])),
            // Datagrams and UNIX sockets have no client address for us.
            _ => null,
        };
        return ProxyHeaderState.Complete;
    }

    // TCP and UDP over IPv4 and IPv6, and UNIX sockets; -1 for anything else, which must be rejected.
    private static int AddressesOf(byte family) => family switch
    {
        0x00 => 0,
        0x11 or 0x12 => 12,
        0x21 or 0x22 => 36,
        0x31 or 0x32 => 216,
        _ => -1,
    };

    // TLVs: type, 16-bit length, value. Verifies the checksum, if any (section 2.2.3).
    private static bool AreValid(ReadOnlySpan<byte> header, int index)
    {
        while (index < header.Length)
        {
            if (header.Length - index < TlvHead)
            {
                return false;
            }

            var (type, length) = (header[index], BinaryPrimitives.ReadUInt16BigEndian(header[(index + 1)..]));
            index += TlvHead;
            if (header.Length - index < length || (type == ChecksumType && (length != sizeof(uint) || !HasValidChecksum(header, index))))
            {
                return false;
            }

            index += length;
        }

        return true;
    }

    // CRC-32C (RFC 4960, appendix B) of the whole header, with the checksum itself as zeros.
    private static bool HasValidChecksum(ReadOnlySpan<byte> header, int checksum)
    {
        var sum = uint.MaxValue;
        for (var index = 0; index < header.Length; index++)
        {
            sum = BitOperations.Crc32C(sum, index >= checksum && index < checksum + sizeof(uint) ? (byte)0 : header[index]);
        }

        return ~sum == BinaryPrimitives.ReadUInt32BigEndian(header[checksum..]);
    }
}

/// <summary>
/// Which connections must start with a <see cref="ProxyHeader"/>: with <c>PROXY_PROTOCOL=on</c>, all from <c>TRUSTED_PROXIES</c> and no
/// others. From anyone else, such a header is a malformed request and gets 400.
/// </summary>
internal sealed partial class ProxyHeaderPolicy(Reloadable<ClientOptions> options, ClientResolver clients, TimeProvider time, ILogger<ProxyHeaderPolicy> logger)
{
    /// <summary>For receiving the whole header.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly bool _isOn = options.Value.TakesProxyHeaders;
    private readonly Burst _refusals = new(time);

    public bool IsOn => _isOn;

    /// <summary>Connections closed because the header was malformed, missing or late.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Whether connections from a peer must start with the header.</summary>
    public bool IsRequiredFrom(ClientAddress peer) => _isOn && clients.IsTrusted(peer);

    /// <summary>Counts a connection that is closed because of its header.</summary>
    /// <param name="peer">The proxy.</param>
    public void Refuse(ClientAddress peer)
    {
        if (_refusals.Note() is > 0 and var count)
        {
            NoHeader(logger, count, peer);
        }
    }

    [LoggerMessage(56, LogLevel.Warning, "{Count} connections from trusted proxies were closed, the last from {Peer}: PROXY_PROTOCOL is on, and they did not start with a valid header")]
    private static partial void NoHeader(ILogger logger, long count, ClientAddress peer);
}

/// <summary>Marks a connection whose header has been read, or that needs none.</summary>
internal sealed class ProxyHeaderMark
{
    private ProxyHeaderMark()
    {
    }

    public static ProxyHeaderMark Done { get; } = new();
}
