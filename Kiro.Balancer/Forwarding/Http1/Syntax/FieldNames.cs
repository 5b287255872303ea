using System.Text;
using Kiro.Balancer.Clients;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Fields with special handling, and common ones whose names need not be allocated as strings.</summary>
internal static class FieldNames
{
    public static readonly FieldName KeepAlive = new(HeaderNames.KeepAlive, FieldKind.HopByHop);

    /// <summary>Forwarded only with 426 (Upgrade Required).</summary>
    public static readonly FieldName Upgrade = new(HeaderNames.Upgrade, FieldKind.HopByHop);

    /// <summary>May start connection-bound authentication.</summary>
    public static readonly FieldName ProxyAuthenticate = new(HeaderNames.ProxyAuthenticate, FieldKind.HopByHop);

    /// <summary>May start connection-bound authentication.</summary>
    public static readonly FieldName WwwAuthenticate = new(HeaderNames.WWWAuthenticate, FieldKind.EndToEnd);

    /// <summary>Identifies server-sent events.</summary>
    public static readonly FieldName ContentType = new(HeaderNames.ContentType, FieldKind.EndToEnd);

    /// <summary>Backends must not set the balancer's own cookie.</summary>
    public static readonly FieldName SetCookie = new(HeaderNames.SetCookie, FieldKind.EndToEnd);

    public const int Buckets = 256;

    /// <summary>Hop-by-hop fields of requests and responses.</summary>
    public static readonly string[] HopByHopNames =
    [
        HeaderNames.KeepAlive, HeaderNames.ProxyConnection, HeaderNames.ProxyAuthenticate, "Proxy-Authentication-Info",
        HeaderNames.ProxyAuthorization, "Proxy-Features", "Proxy-Instruction", "Security-Scheme", "ALPN", "Close",
        "HTTP2-Settings", HeaderNames.TE, HeaderNames.AltSvc, HeaderNames.Upgrade,
    ];

    private static readonly FieldName[][] Table = Build(
    [
        new(HeaderNames.ContentLength, FieldKind.ContentLength),
        new(HeaderNames.TransferEncoding, FieldKind.TransferEncoding),
        new(HeaderNames.Connection, FieldKind.Connection),
        new(HeaderNames.Trailer, FieldKind.Trailer),
        new(HeaderNames.Host, FieldKind.Host),
        KeepAlive, Upgrade, ProxyAuthenticate, WwwAuthenticate, ContentType, SetCookie,
        .. HopByHopNames.Where(name => name != HeaderNames.KeepAlive && name != HeaderNames.Upgrade && name != HeaderNames.ProxyAuthenticate)
            .Select(name => new FieldName(name, FieldKind.HopByHop)),
        .. EndToEnd(
            HeaderNames.AcceptRanges, HeaderNames.AccessControlAllowCredentials, HeaderNames.AccessControlAllowHeaders,
            HeaderNames.AccessControlAllowMethods, HeaderNames.AccessControlAllowOrigin, HeaderNames.AccessControlExposeHeaders,
            HeaderNames.AccessControlMaxAge, HeaderNames.Age, HeaderNames.Allow, HeaderNames.CacheControl,
            HeaderNames.ContentDisposition, HeaderNames.ContentEncoding, HeaderNames.ContentLanguage, HeaderNames.ContentLocation,
            HeaderNames.ContentRange, HeaderNames.ContentSecurityPolicy, HeaderNames.Date, HeaderNames.ETag,
            HeaderNames.Expires, HeaderNames.LastModified, HeaderNames.Link, HeaderNames.Location, HeaderNames.Pragma,
            "Referrer-Policy", HeaderNames.RetryAfter, HeaderNames.Server,
            HeaderNames.StrictTransportSecurity, HeaderNames.UpgradeInsecureRequests, HeaderNames.Vary, HeaderNames.Via,
            HeaderNames.XContentTypeOptions, HeaderNames.XFrameOptions, HeaderNames.XPoweredBy,
            "X-Request-Id", HeaderNames.XXSSProtection),
    ]);

    /// <returns>Null if the field is not well-known.</returns>
    public static FieldName? Find(ReadOnlySpan<byte> name)
    {
        foreach (var candidate in Table[Bucket(name.Length, name[0], name[^1])])
        {
            if (Ascii.EqualsIgnoreCase(name, candidate.Text))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <returns>Null if the field is not well-known.</returns>
    public static FieldName? Find(string name)
    {
        foreach (var candidate in Table[Bucket(name.Length, (byte)name[0], (byte)name[^1])])
        {
            if (ReferenceEquals(name, candidate.Text) || name.Equals(candidate.Text, StringComparison.OrdinalIgnoreCase))
            {
                return candidate;
            }
        }

        return null;
    }

    private static IEnumerable<FieldName> EndToEnd(params string[] names) => names.Select(name => new FieldName(name, FieldKind.EndToEnd));

    private static FieldName[][] Build(FieldName[] names)
    {
        var table = new FieldName[Buckets][];
        Array.Fill(table, []);
        foreach (var group in names.GroupBy(name => Bucket(name.Text.Length, (byte)name.Text[0], (byte)name.Text[^1])))
        {
            table[group.Key] = [.. group];
        }

        return table;
    }

    /// <summary>Hashes a name by its length and its first and last letters, ignoring case (bit 5).</summary>
    public static int Bucket(int length, byte first, byte last) => (length * 29 + (first | 0x20) * 7 + (last | 0x20)) & (Buckets - 1);
}

/// <summary>A well-known field.</summary>
/// <param name="Text">The usual spelling, interned by Kestrel.</param>
/// <param name="Kind">How it is handled.</param>
internal sealed record FieldName(string Text, FieldKind Kind);

/// <summary>How a field is handled.</summary>
internal enum FieldKind
{
    EndToEnd,

    HopByHop,

    ContentLength,
    TransferEncoding,
    Connection,
    Trailer,
    Host,
}

/// <summary>Request fields that the balancer acts on.</summary>
internal static class RequestFieldNames
{
    // Longer than any name in the table.
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
        .. FieldNames.HopByHopNames
            .Where(name => name != HeaderNames.Upgrade && name != HeaderNames.TE)
            .Select(name => (name, RequestFieldKind.HopByHop)),
    ]);

    /// <param name="name">A non-empty token.</param>
    public static RequestFieldKind Find(ReadOnlySpan<byte> name)
    {
        var kind = FindExact(name);
        if (kind != RequestFieldKind.EndToEnd)
        {
            return kind;
        }

        var hasUnderscore = name.Contains((byte)'_');
        if (!hasUnderscore && (name[0] | 0x20) != 'x')
        {
            return kind;
        }

        return hasUnderscore ? Lookalike(name) : IsXForwarded(name) ? RequestFieldKind.XForwarded : kind;
    }

    /// <summary>Whether a field is dropped because it resembles one that the balancer acts on.</summary>
    public static bool IsLookalike(string name)
    {
        Span<byte> bytes = stackalloc byte[MaxLookalike];
        bytes = bytes[..Math.Min(name.Length, MaxLookalike)];
        return name.Contains('_') && Encoding.ASCII.GetBytes(name.AsSpan(0, bytes.Length), bytes) > 0
            && Lookalike(bytes) == RequestFieldKind.Lookalike;
    }

    /// <summary>Whether two names of equal length are the same but for case and underscores in place of hyphens.</summary>
    public static bool IsLookalikeOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> other)
    {
        for (var index = 0; index < name.Length; index++)
        {
            if (Read(name[index]) != Read(other[index]))
            {
                return false;
            }
        }

        return true;

        static int Read(byte letter) => letter == '_' ? '-' : letter is >= (byte)'A' and <= (byte)'Z' ? letter | 0x20 : letter;
    }

    private static RequestFieldKind FindExact(ReadOnlySpan<byte> name)
    {
        foreach (var (candidate, kind) in Table[FieldNames.Bucket(name.Length, name[0], name[^1])])
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
        return IsXForwarded(meant) || (name.Length < MaxLookalike && FindExact(meant) != RequestFieldKind.EndToEnd)
            ? RequestFieldKind.Lookalike : RequestFieldKind.EndToEnd;
    }

    private static bool IsXForwarded(ReadOnlySpan<byte> name)
    {
        var prefix = "X-Forwarded-"u8;
        return name.Length >= prefix.Length && Ascii.EqualsIgnoreCase(name[..prefix.Length], prefix);
    }

    private static (byte[] Name, RequestFieldKind Kind)[][] Build(IEnumerable<(string Name, RequestFieldKind Kind)> names)
    {
        var table = new (byte[], RequestFieldKind)[FieldNames.Buckets][];
        Array.Fill(table, []);
        foreach (var group in names.GroupBy(name => FieldNames.Bucket(name.Name.Length, (byte)name.Name[0], (byte)name.Name[^1])))
        {
            table[group.Key] = [.. group.Select(name => (Encoding.ASCII.GetBytes(name.Name), name.Kind))];
        }

        return table;
    }
}

/// <summary>What a request field means to the balancer.</summary>
internal enum RequestFieldKind : byte
{
    /// <summary>Forwarded unchanged unless it is named in Connection.</summary>
    EndToEnd,

    /// <summary>Dropped.</summary>
    HopByHop,

    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    Upgrade,
    Te,
    Trailer,
    Expect,

    /// <summary>Loop detection (RFC 8586): forwarded even if it is named in Connection.</summary>
    CdnLoop,

    TraceParent,
    Authorization,
    ForwardedFor,
    ForwardedProto,
    ForwardedHost,
    RealIp,

    /// <summary>X-Kiro-Client, which only the balancer may set.</summary>
    ClientKey,

    /// <summary>The balancer's own cookie is removed; the others are forwarded.</summary>
    Cookie,

    /// <summary>RFC 7239.</summary>
    Forwarded,

    /// <summary>The client's certificate, which only the balancer may set.</summary>
    ClientCertificate,

    /// <summary>Any other X-Forwarded-* field: accepted from trusted peers only.</summary>
    XForwarded,

    /// <summary>
    /// Equals a field that the balancer acts on once underscores are read as hyphens, as CGI-style backends do (<c>X_Real_IP</c>,
    /// <c>Content_Length</c>). Always dropped. Other names with underscores are forwarded; nginx drops them all.
    /// </summary>
    Lookalike,

    /// <summary>Required in a WebSocket handshake (RFC 6455, section 4.1).</summary>
    WebSocketKey,
}
