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

/// <summary>What was made of the bytes that came so far.</summary>
internal enum ProxyHeaderState
{
    /// <summary>More must come.</summary>
    Incomplete,

    /// <summary>The header is all there and valid.</summary>
    Complete,

    /// <summary>It is none, or a broken one: the connection is to be closed.</summary>
    Invalid,
}

/// <summary>
/// Reads the header with which a proxy tells, before anything else, whom a connection is from ("The PROXY protocol, versions 1
/// and 2", W. Tarreau, HAProxy). The first wrong byte decides; nothing is guessed.
/// </summary>
internal static class ProxyHeader
{
    /// <summary>The longest header that is taken, in bytes: nginx's bound. Version 1 has 107 at most.</summary>
    public const int MaxBytes = 4096;

    private const int MaxText = 107;
    private const int FixedLength = 16;
    private const int ChecksumType = 3;
    private const int TlvHead = 3;

    private static ReadOnlySpan<byte> Signature => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    /// <summary>Reads a header from its first byte on.</summary>
    /// <param name="bytes">What came so far.</param>
    /// <param name="length">Of a complete header: what follows is the client's.</param>
    /// <param name="source">Of a complete header: the client. Null when the proxy does not tell (UNKNOWN, LOCAL, no IP): the
    /// connection is its own then.</param>
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
        // Whatever stands behind it counts for nothing.
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
        // The framework also takes "1", "0x7f.1", "[::1]:80" and "fe80::1%1".
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
        // What a proxy's own connection says besides counts for nothing.
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
            // Datagrams and UNIX sockets: a proxy that speaks TCP to us knows no better.
            _ => null,
        };
        return ProxyHeaderState.Complete;
    }

    // TCP and UDP over IPv4, over IPv6; UNIX sockets. Everything else is to be rejected; -1.
    private static int AddressesOf(byte family) => family switch
    {
        0x00 => 0,
        0x11 or 0x12 => 12,
        0x21 or 0x22 => 36,
        0x31 or 0x32 => 216,
        _ => -1,
    };

    // Type, two bytes of length, value. A checksum among them is checked (section 2.2.3).
    private static bool AreValid(ReadOnlySpan<byte> header, int place)
    {
        while (place < header.Length)
        {
            if (header.Length - place < TlvHead)
            {
                return false;
            }

            var (type, length) = (header[place], BinaryPrimitives.ReadUInt16BigEndian(header[(place + 1)..]));
            place += TlvHead;
            if (header.Length - place < length || (type == ChecksumType && (length != sizeof(uint) || !IsChecked(header, place))))
            {
                return false;
            }

            place += length;
        }

        return true;
    }

    // CRC-32C (RFC 4960, appendix B) of the whole header, with zeros in its own place.
    private static bool IsChecked(ReadOnlySpan<byte> header, int place)
    {
        var sum = uint.MaxValue;
        for (var index = 0; index < header.Length; index++)
        {
            sum = BitOperations.Crc32C(sum, index >= place && index < place + sizeof(uint) ? (byte)0 : header[index]);
        }

        return ~sum == BinaryPrimitives.ReadUInt32BigEndian(header[place..]);
    }
}

/// <summary>
/// Who has to introduce its connections by a <see cref="ProxyHeader"/>: with <c>PROXY_PROTOCOL=on</c> every peer in
/// <c>TRUSTED_PROXIES</c>, and nobody else. Of anybody else such a header is no request and gets 400.
/// </summary>
internal sealed partial class ProxyHeaders(Reloadable<ClientOptions> options, ClientResolver clients, TimeProvider time, ILogger<ProxyHeaders> logger)
{
    /// <summary>For the whole header: it is the first thing that a proxy sends.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly bool _isOn = options.Value.TakesProxyHeaders;
    private readonly Burst _refusals = new(time);

    /// <summary>Whether anybody has to.</summary>
    public bool IsOn => _isOn;

    /// <summary>Connections that were closed because their header was broken, missing or late.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Whether a peer has to introduce its connection.</summary>
    public bool AreDueFrom(ClientAddress peer) => _isOn && clients.IsTrusted(peer);

    /// <summary>Notes a connection that is closed because of its header.</summary>
    /// <param name="peer">The proxy.</param>
    public void Refuse(ClientAddress peer)
    {
        if (_refusals.Note() is > 0 and var count)
        {
            NotIntroduced(logger, count, peer);
        }
    }

    [LoggerMessage(56, LogLevel.Warning, "{Count} connections of trusted proxies were closed, the last from {Peer}: PROXY_PROTOCOL is on, and no valid header came first")]
    private static partial void NotIntroduced(ILogger logger, long count, ClientAddress peer);
}

/// <summary>The mark of a connection whose header was read, or which needs none.</summary>
internal sealed class Introduction
{
    private Introduction()
    {
    }

    public static Introduction Done { get; } = new();
}
