using System.Text;
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
