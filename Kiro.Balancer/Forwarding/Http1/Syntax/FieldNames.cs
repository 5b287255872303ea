using System.Text;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The fields that are treated specially, and those so common that a string for their name can be spared.</summary>
internal static class FieldNames
{
    /// <summary>Says how long an idle connection is kept.</summary>
    public static readonly FieldName KeepAlive = new(HeaderNames.KeepAlive, FieldKind.HopByHop);

    /// <summary>Names other protocols: passed on only where it is what the response is about, with 426.</summary>
    public static readonly FieldName Upgrade = new(HeaderNames.Upgrade, FieldKind.HopByHop);

    /// <summary>May begin a login that is bound to the connection.</summary>
    public static readonly FieldName ProxyAuthenticate = new(HeaderNames.ProxyAuthenticate, FieldKind.HopByHop);

    /// <summary>May begin a login that is bound to the connection.</summary>
    public static readonly FieldName WwwAuthenticate = new(HeaderNames.WWWAuthenticate, FieldKind.EndToEnd);

    /// <summary>Tells a stream of events from any other body.</summary>
    public static readonly FieldName ContentType = new(HeaderNames.ContentType, FieldKind.EndToEnd);

    /// <summary>May set a cookie of the balancer's own, which nodes must not.</summary>
    public static readonly FieldName SetCookie = new(HeaderNames.SetCookie, FieldKind.EndToEnd);

    private const int Buckets = 256;

    /// <summary>Fields that concern one connection, whoever sends them.</summary>
    public static readonly string[] OfOneConnectionOnly =
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
        .. OfOneConnectionOnly.Where(name => name != HeaderNames.KeepAlive && name != HeaderNames.Upgrade && name != HeaderNames.ProxyAuthenticate)
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

    /// <returns>Null for a field that is like any other.</returns>
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

    /// <returns>Null for a field that is like any other.</returns>
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

    // Bit 5 tells capitals from small letters.
    private static int Bucket(int length, byte first, byte last) => (length * 29 + (first | 0x20) * 7 + (last | 0x20)) & (Buckets - 1);
}

/// <summary>A well-known field.</summary>
/// <param name="Text">Its usual spelling; the very string that Kestrel knows it by.</param>
/// <param name="Kind">What becomes of it.</param>
internal sealed record FieldName(string Text, FieldKind Kind);

/// <summary>What becomes of a field.</summary>
internal enum FieldKind
{
    /// <summary>It is passed on.</summary>
    EndToEnd,

    /// <summary>It concerns one connection.</summary>
    HopByHop,

    ContentLength,
    TransferEncoding,
    Connection,
    Trailer,
    Host,
}

/// <summary>The fields that a message's Connection field names as concerning that connection only (RFC 9110, section 7.6.1).</summary>
internal static class ConnectionOptions
{
    /// <summary>The names of fields to drop. Values of Connection itself, and fields that frame the message, are not among them.</summary>
    public static IEnumerable<string> FieldsNamedIn(StringValues connection)
    {
        foreach (var line in connection)
        {
            foreach (var name in (line ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                if (!IsOwn(name))
                {
                    yield return name;
                }
            }
        }
    }

    /// <summary>Naming these must not unframe the message.</summary>
    public static bool IsOwn(string name) =>
        name.Equals("close", StringComparison.OrdinalIgnoreCase)
        || name.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || name.Equals("upgrade", StringComparison.OrdinalIgnoreCase)
        || name.Equals("TE", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Host", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        || name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase);
}

/// <summary>Which fields may follow a body (RFC 9110, section 6.5.1): none that frame, route, authenticate or change it.</summary>
internal static class Trailers
{
    private static readonly HashSet<string> Forbidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "Age", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type",
        "Date", "Expect", "Expires", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
        "Keep-Alive", "Location", "Max-Forwards", "Pragma", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Range",
        "Retry-After", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Vary", "Warning", "WWW-Authenticate",
    };

    /// <summary>
    /// Of a request. A node may take trailers for fields, so none is passed on that the balancer would have acted on: they
    /// would say behind its back who the client is.
    /// </summary>
    /// <param name="lines">Valid fields, without the ends of their lines.</param>
    public static IReadOnlyList<byte[]> AllowedInRequest(IEnumerable<byte[]> lines) =>
        [.. Allowed(lines).Where(line => RequestFieldNames.Find(line.AsSpan(0, HttpSyntax.TokenLength(line))) == RequestFieldKind.EndToEnd)];

    /// <param name="lines">Valid fields, without the ends of their lines.</param>
    public static IReadOnlyList<byte[]> Allowed(IEnumerable<byte[]> lines) =>
        [.. lines.Where(line => IsAllowed(Encoding.ASCII.GetString(line.AsSpan(0, HttpSyntax.TokenLength(line)))))];

    public static bool IsAllowed(string name) => !Forbidden.Contains(name);
}
