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

/// <summary>Whose word counts about who is calling, and which, and what clients are told apart by.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
/// <param name="Header"><c>CLIENT_IP_HEADER</c>.</param>
internal sealed partial record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies, ClientHeader Header)
{
    /// <summary><c>STICKY_BY</c>.</summary>
    public StickyOptions Sticky { get; init; } = StickyOptions.ByAddress;

    /// <summary><c>PROXY_PROTOCOL</c>: <c>on</c> requires its header of every connection of a trusted proxy; <c>off</c> by default.</summary>
    public bool TakesProxyHeaders { get; init; }

    /// <summary><c>FORWARDED</c>: <c>on</c> tells nodes by Forwarded (RFC 7239), too, whether a proxy before did or not; <c>off</c>
    /// by default.</summary>
    public bool WritesForwarded { get; init; }
}

/// <summary>The field by which a trusted peer tells who the client is.</summary>
/// <param name="Name">As it is set.</param>
/// <param name="Form">How it is read.</param>
internal sealed partial record ClientHeader(string Name, ClientHeaderForm Form)
{
    public const string XForwardedFor = "X-Forwarded-For";
    public const string Forwarded = "Forwarded";

    /// <summary>What is read when <c>CLIENT_IP_HEADER</c> is unset: X-Forwarded-For, and where that is missing Forwarded.</summary>
    public static ClientHeader Default { get; } = new(XForwardedFor, ClientHeaderForm.Either);
}

/// <summary>How a field tells who the client is.</summary>
internal enum ClientHeaderForm
{
    /// <summary>X-Forwarded-For; where that is missing, Forwarded.</summary>
    Either,

    /// <summary>A list of addresses, to which each proxy appends its peer.</summary>
    XForwardedFor,

    /// <summary>A list of elements with <c>for=</c> (RFC 7239).</summary>
    Forwarded,

    /// <summary>The client's address and nothing else.</summary>
    OneAddress,
}

/// <summary>What a client is recognised by when it is given its node. Every balancer of a service must have the same.</summary>
/// <param name="Cookie">With <c>STICKY_BY=cookie</c>: the balancer's own, named by <c>STICKY_COOKIE</c>; else null.</param>
/// <param name="Field">With <c>STICKY_BY=header:NAME</c>: the name of the field; else null.</param>
internal sealed partial record StickyOptions(StickyCookie? Cookie, string? Field)
{
    private const string FieldPrefix = "header:";

    /// <summary><c>STICKY_BY=ip</c>, the default.</summary>
    public static StickyOptions ByAddress { get; } = new(null, null);

    /// <summary>Whether the client's address is what counts, and nothing else is to be looked for.</summary>
    public bool IsByAddress => Cookie is null && Field is null;

    /// <summary>As it is set.</summary>
    public string Word => Cookie is not null ? "cookie" : Field is not null ? FieldPrefix + Field : "ip";
}
