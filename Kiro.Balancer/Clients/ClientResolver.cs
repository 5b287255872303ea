using System.Buffers;
using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Kiro.Balancer.Clients;

/// <summary>
/// Finds the client's address. X-Forwarded-For and Forwarded are read from right to left, as each proxy appended to them, and
/// only as long as the address to the right of an entry is a trusted proxy; what stands further left anybody could have
/// written. An entry that is no address (hidden, malformed, a name) ends the way at the address to its right, as if nothing
/// stood there.
/// </summary>
internal sealed class ClientResolver(ClientOptions options)
{
    /// <summary>In bytes; longer lines take rented memory.</summary>
    private const int ShortLine = 256;

    private volatile AddressRange[] _trusted = [.. options.TrustedProxies];

    /// <summary>By which field clients are told.</summary>
    public ClientHeader Header { get; } = options.Header;

    /// <summary>What clients are told apart by.</summary>
    public StickyOptions Sticky { get; } = options.Sticky;

    /// <summary>Trusts others from now on. By which field clients are told stays as it is.</summary>
    public void Trust(IEnumerable<AddressRange> proxies) => _trusted = [.. proxies];

    /// <summary>Finds the client of a request that Kestrel has read.</summary>
    /// <param name="peer">The connection's other end; null (not an IP connection) counts as loopback.</param>
    /// <param name="headers">The request's.</param>
    /// <param name="claimsAnother">Whether it has the field, whoever sent it.</param>
    public Client Resolve(IPAddress? peer, IHeaderDictionary headers, out bool claimsAnother)
    {
        var lines = headers[Header.Name];
        claimsAnother = lines.Count > 0;
        var form = Header.Form;
        if (form == ClientHeaderForm.Either)
        {
            form = ClientHeaderForm.XForwardedFor;
            if (!claimsAnother && IsTrusted(ClientAddress.From(peer ?? IPAddress.Loopback)))
            {
                (lines, form) = (headers[ClientHeader.Forwarded], ClientHeaderForm.Forwarded);
            }
        }

        var client = Resolve(peer, lines, form);
        return Sticky.IsByAddress ? client
            : client with { Key = Sticky.Cookie is { } cookie ? cookie.Find(headers.Cookie) : StickyKey.OfField(headers[Sticky.Field!]) };
    }

    /// <param name="peer">The connection's other end; null (not an IP connection) counts as loopback.</param>
    /// <param name="lines">The field's lines, in the order in which they came.</param>
    /// <param name="form">How they are read.</param>
    public Client Resolve(IPAddress? peer, StringValues lines, ClientHeaderForm form = ClientHeaderForm.XForwardedFor)
    {
        var address = ClientAddress.From(peer ?? IPAddress.Loopback);
        var client = new Client(address, address, IsTrusted(address));
        if (!client.PeerIsTrusted)
        {
            return client;
        }

        for (var line = lines.Count - 1; line >= 0 && Read(lines[line], form, lines.Count, ref client); line--)
        {
        }

        return client;
    }

    /// <summary>Begins with the peer alone. Without its trust no field counts, and none must be read.</summary>
    public Client Begin(ClientAddress peer) => new(peer, peer, IsTrusted(peer));

    /// <summary>Reads a line of a field that came from a trusted peer: the last line first.</summary>
    /// <param name="line">The value.</param>
    /// <param name="form">How it is read; not <see cref="ClientHeaderForm.Either"/>.</param>
    /// <param name="lines">How many lines of the field there are.</param>
    /// <param name="client">Found so far.</param>
    /// <returns>Whether the line before it counts, too.</returns>
    public bool Read(ReadOnlySpan<byte> line, ClientHeaderForm form, int lines, ref Client client)
    {
        if (line.Length <= ShortLine)
        {
            Span<char> text = stackalloc char[ShortLine];
            return Read(text[..Encoding.Latin1.GetChars(line, text)], form, lines, ref client);
        }

        var rented = ArrayPool<char>.Shared.Rent(line.Length);
        try
        {
            return Read(rented.AsSpan(0, Encoding.Latin1.GetChars(line, rented)), form, lines, ref client);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    /// <summary>Whether somebody's word about who is calling counts.</summary>
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

    private bool Read(ReadOnlySpan<char> line, ClientHeaderForm form, int lines, ref Client client)
    {
        if (form == ClientHeaderForm.OneAddress)
        {
            // Of two lines one may be the client's own.
            if (lines == 1 && ClientAddress.TryParse(line, out var only))
            {
                client = client with { Address = only };
            }

            return false;
        }

        while (!line.IsEmpty)
        {
            var text = form == ClientHeaderForm.Forwarded ? ForwardedElement.TakeLast(ref line) : TakeLast(ref line);
            if (text.IsWhiteSpace())
            {
                // An empty element of a list counts for nothing (RFC 9110, section 5.6.1.2).
                continue;
            }

            if (!(form == ClientHeaderForm.Forwarded ? ForwardedElement.TryReadFor(text, out var entry) : ClientAddress.TryParse(text, out entry)))
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
