using System.Text;
using Kiro.Balancer.Clients;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The fields of requests that the balancer acts on.</summary>
internal static class RequestFieldNames
{
    private const int Buckets = 256;

    // No name in the table is as long.
    private const int MaxLookalike = 64;

    private static readonly (byte[] Name, RequestFieldKind Kind)[][] Table = Build(
    [
        (HeaderNames.Host, RequestFieldKind.Host),
        (HeaderNames.ContentLength, RequestFieldKind.ContentLength),
        (HeaderNames.TransferEncoding, RequestFieldKind.TransferEncoding),
        (HeaderNames.Connection, RequestFieldKind.Connection),
        (HeaderNames.Upgrade, RequestFieldKind.Upgrade),
        (HeaderNames.TE, RequestFieldKind.Te),
        (HeaderNames.Trailer, RequestFieldKind.Trailer),
        (HeaderNames.Expect, RequestFieldKind.Expect),
        ("CDN-Loop", RequestFieldKind.CdnLoop),
        (HeaderNames.TraceParent, RequestFieldKind.TraceParent),
        (HeaderNames.Authorization, RequestFieldKind.Authorization),
        ("X-Forwarded-For", RequestFieldKind.ForwardedFor),
        ("X-Forwarded-Proto", RequestFieldKind.ForwardedProto),
        ("X-Forwarded-Host", RequestFieldKind.ForwardedHost),
        ("X-Real-IP", RequestFieldKind.RealIp),
        (ClientCertificateField.Name, RequestFieldKind.ClientCertificate),
        ("X-Kiro-Client", RequestFieldKind.ClientKey),
        ("Forwarded", RequestFieldKind.Forwarded),
        (HeaderNames.Cookie, RequestFieldKind.Cookie),
        (HeaderNames.SecWebSocketKey, RequestFieldKind.WebSocketKey),
        .. FieldNames.OfOneConnectionOnly
            .Where(name => name != HeaderNames.Upgrade && name != HeaderNames.TE)
            .Select(name => (name, RequestFieldKind.HopByHop)),
    ]);

    /// <param name="name">A token.</param>
    public static RequestFieldKind Find(ReadOnlySpan<byte> name)
    {
        var kind = Exact(name);
        if (kind != RequestFieldKind.EndToEnd)
        {
            return kind;
        }

        var hasUnderscore = name.Contains((byte)'_');
        if (!hasUnderscore && (name[0] | 0x20) != 'x')
        {
            return kind;
        }

        return hasUnderscore ? Lookalike(name) : IsClaim(name) ? RequestFieldKind.Claim : kind;
    }

    /// <summary>Whether a field is never passed on because it reads like one that the balancer acts on.</summary>
    public static bool IsLookalike(string name)
    {
        Span<byte> bytes = stackalloc byte[MaxLookalike];
        bytes = bytes[..Math.Min(name.Length, MaxLookalike)];
        return name.Contains('_') && Encoding.ASCII.GetBytes(name.AsSpan(0, bytes.Length), bytes) > 0
            && Lookalike(bytes) == RequestFieldKind.Lookalike;
    }

    /// <summary>Whether two names of one length differ in capitals, hyphens and underscores alone.</summary>
    public static bool ReadsLike(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other)
    {
        for (var place = 0; place < name.Length; place++)
        {
            if (Read(name[place]) != Read(other[place]))
            {
                return false;
            }
        }

        return true;

        static int Read(byte letter) => letter == '_' ? '-' : letter is >= (byte)'A' and <= (byte)'Z' ? letter | 0x20 : letter;
    }

    private static RequestFieldKind Exact(ReadOnlySpan<byte> name)
    {
        foreach (var (candidate, kind) in Table[Bucket(name.Length, name[0], name[^1])])
        {
            if (Ascii.EqualsIgnoreCase(name, candidate))
            {
                return kind;
            }
        }

        return RequestFieldKind.EndToEnd;
    }

    private static RequestFieldKind Lookalike(ReadOnlySpan<byte> name)
    {
        Span<byte> meant = stackalloc byte[MaxLookalike];
        meant = meant[..Math.Min(name.Length, MaxLookalike)];
        name[..meant.Length].Replace(meant, (byte)'_', (byte)'-');
        return IsClaim(meant) || (name.Length < MaxLookalike && Exact(meant) != RequestFieldKind.EndToEnd)
            ? RequestFieldKind.Lookalike : RequestFieldKind.EndToEnd;
    }

    private static bool IsClaim(ReadOnlySpan<byte> name)
    {
        var prefix = "X-Forwarded-"u8;
        return name.Length >= prefix.Length && Ascii.EqualsIgnoreCase(name[..prefix.Length], prefix);
    }

    private static (byte[] Name, RequestFieldKind Kind)[][] Build(IEnumerable<(string Name, RequestFieldKind Kind)> names)
    {
        var table = new (byte[], RequestFieldKind)[Buckets][];
        Array.Fill(table, []);
        foreach (var group in names.GroupBy(name => Bucket(name.Name.Length, (byte)name.Name[0], (byte)name.Name[^1])))
        {
            table[group.Key] = [.. group.Select(name => (Encoding.ASCII.GetBytes(name.Name), name.Kind))];
        }

        return table;
    }

    // Bit 5 tells capitals from small letters.
    private static int Bucket(int length, byte first, byte last) => (length * 29 + (first | 0x20) * 7 + (last | 0x20)) & (Buckets - 1);
}

/// <summary>What a field of a request is to the balancer.</summary>
internal enum RequestFieldKind : byte
{
    /// <summary>None of its business: passed on as it came, unless Connection names it.</summary>
    EndToEnd,

    /// <summary>It concerns this connection only and is dropped.</summary>
    HopByHop,

    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Te,
    Trailer,
    Expect,

    /// <summary>Ends loops (RFC 8586): passed on whatever Connection says.</summary>
    CdnLoop,

    TraceParent,
    Authorization,
    ForwardedFor,
    ForwardedProto,
    ForwardedHost,
    RealIp,

    /// <summary>What the balancer calls a client by: nobody else may say it.</summary>
    ClientKey,

    /// <summary>May hold a cookie of the balancer's own; the others are passed on.</summary>
    Cookie,

    /// <summary>RFC 7239.</summary>
    Forwarded,

    /// <summary>The certificate of a client: nobody's word for it is taken.</summary>
    ClientCertificate,

    /// <summary>Any other X-Forwarded field: only a trusted peer may say it.</summary>
    Claim,

    /// <summary>
    /// Reads like a field that the balancer acts on when underscores are taken for hyphens, as CGI-like nodes do
    /// (<c>X_Real_IP</c>, <c>Content_Length</c>). Never passed on. Other names with underscores are: nginx drops them all,
    /// which only surprises.
    /// </summary>
    Lookalike,

    /// <summary>Makes an upgrade to WebSocket a handshake (RFC 6455, section 4.1).</summary>
    WebSocketKey,
}
