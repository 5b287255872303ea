using System.Buffers;
using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>
/// Determines the client's address. X-Forwarded-For and Forwarded are read from right to left, the reverse of the order in which proxies
/// append to them, for as long as the address to the right of an entry is a trusted proxy: anything further left could be forged.
/// An entry that is not an address (obfuscated, malformed, a name) ends the walk at the address to its right.
/// </summary>
internal sealed class ClientResolver(ClientOptions options)
{
    /// <summary>In bytes; longer lines use a rented array.</summary>
    private const int StackSize = 256;

    private volatile AddressRange[] _trusted = [.. options.TrustedProxies];

    /// <summary>The field with the client's address.</summary>
    public ClientHeader Header { get; } = options.Header;

    /// <summary>What identifies a client.</summary>
    public StickyOptions Sticky { get; } = options.Sticky;

    /// <summary>Replaces the trusted proxies. The field cannot change at run time.</summary>
    public void SetTrusted(IEnumerable<AddressRange> proxies) => _trusted = [.. proxies];

    /// <summary>Resolves the client of a request read by Kestrel.</summary>
    /// <param name="peer">The remote address; null (not an IP connection) counts as loopback.</param>
    /// <param name="headers">The request's fields.</param>
    /// <param name="hasField">Whether the request has the field, trusted or not.</param>
    public Client Resolve(IPAddress? peer, IHeaderDictionary headers, out bool hasField)
    {
        var lines = headers[Header.Name];
        hasField = lines.Count > 0;
        var format = Header.Format;
        if (format == ClientHeaderFormat.Either)
        {
            format = ClientHeaderFormat.XForwardedFor;
            if (!hasField && IsTrusted(ClientAddress.From(peer ?? IPAddress.Loopback)))
            {
                (lines, format) = (headers[ClientHeader.Forwarded], ClientHeaderFormat.Forwarded);
            }
        }

        var client = Resolve(peer, lines, format);
        return Sticky.IsByAddress ? client
            : client with { Key = Sticky.Cookie is { } cookie ? cookie.Find(headers.Cookie) : StickyKey.OfField(headers[Sticky.Field!]) };
    }

    /// <param name="peer">The remote address; null (not an IP connection) counts as loopback.</param>
    /// <param name="lines">The field's lines, in order.</param>
    /// <param name="format">Their format.</param>
    public Client Resolve(IPAddress? peer, StringValues lines, ClientHeaderFormat format = ClientHeaderFormat.XForwardedFor)
    {
        var address = ClientAddress.From(peer ?? IPAddress.Loopback);
        var client = new Client(address, address, IsTrusted(address));
        if (!client.PeerIsTrusted)
        {
            return client;
        }

        for (var line = lines.Count - 1; line >= 0 && Read(lines[line], format, lines.Count, ref client); line--)
        {
        }

        return client;
    }

    /// <summary>Starts with the peer. Unless it is trusted, no field may be read.</summary>
    public Client Begin(ClientAddress peer) => new(peer, peer, IsTrusted(peer));

    /// <summary>Reads a line of the field, sent by a trusted peer; the last line first.</summary>
    /// <param name="line">The value.</param>
    /// <param name="format">Its format; not <see cref="ClientHeaderFormat.Either"/>.</param>
    /// <param name="lines">The number of lines of the field.</param>
    /// <param name="client">The client found so far.</param>
    /// <returns>Whether to read the line before it.</returns>
    public bool Read(ReadOnlySpan<byte> line, ClientHeaderFormat format, int lines, ref Client client)
    {
        if (line.Length <= StackSize)
        {
            Span<char> text = stackalloc char[StackSize];
            return Read(text[..Encoding.Latin1.GetChars(line, text)], format, lines, ref client);
        }

        var rented = ArrayPool<char>.Shared.Rent(line.Length);
        try
        {
            return Read(rented.AsSpan(0, Encoding.Latin1.GetChars(line, rented)), format, lines, ref client);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    /// <summary>Whether an address is in <c>TRUSTED_PROXIES</c>.</summary>
    public bool IsTrusted(ClientAddress address)
    {
        foreach (var range in _trusted)
        {
            if (range.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    private bool Read(ReadOnlySpan<char> line, ClientHeaderFormat format, int lines, ref Client client)
    {
        if (format == ClientHeaderFormat.SingleAddress)
        {
            // With more than one line, one may be from the client.
            if (lines == 1 && ClientAddress.TryParse(line, out var only))
            {
                client = client with { Address = only };
            }

            return false;
        }

        while (!line.IsEmpty)
        {
            var text = format == ClientHeaderFormat.Forwarded ? ForwardedElement.TakeLast(ref line) : TakeLast(ref line);
            if (text.IsWhiteSpace())
            {
                // Empty list elements are ignored (RFC 9110, section 5.6.1.2).
                continue;
            }

            if (!(format == ClientHeaderFormat.Forwarded ? ForwardedElement.TryReadFor(text, out var entry) : ClientAddress.TryParse(text, out entry)))
            {
                return false;
            }

            client = client with { Address = entry };
            if (!IsTrusted(entry))
            {
                return false;
            }
        }

        return true;
    }

    private static ReadOnlySpan<char> TakeLast(ref ReadOnlySpan<char> list)
    {
        var comma = list.LastIndexOf(',');
        var element = list[(comma + 1)..];
        list = comma < 0 ? [] : list[..comma];
        return element;
    }
}
