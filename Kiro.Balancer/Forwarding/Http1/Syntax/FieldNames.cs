using System.Text;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The fields that are treated specially, and those so common that a string for their name can be spared.</summary>
internal static class FieldNames
{
    private const int Buckets = 256;

    private static readonly FieldName[][] Table = Build(
    [
        new(HeaderNames.ContentLength, FieldKind.ContentLength),
        new(HeaderNames.TransferEncoding, FieldKind.TransferEncoding),
        new(HeaderNames.Connection, FieldKind.Connection),
        new(HeaderNames.Trailer, FieldKind.Trailer),
        new(HeaderNames.Host, FieldKind.Host),
        .. OfOneConnection(
            HeaderNames.KeepAlive, HeaderNames.ProxyConnection, HeaderNames.ProxyAuthenticate, "Proxy-Authentication-Info",
            HeaderNames.ProxyAuthorization, "Proxy-Features", "Proxy-Instruction", "Security-Scheme", "ALPN", "Close",
            "HTTP2-Settings", HeaderNames.TE, HeaderNames.AltSvc, HeaderNames.Upgrade),
        .. EndToEnd(
            HeaderNames.AcceptRanges, HeaderNames.AccessControlAllowCredentials, HeaderNames.AccessControlAllowHeaders,
            HeaderNames.AccessControlAllowMethods, HeaderNames.AccessControlAllowOrigin, HeaderNames.AccessControlExposeHeaders,
            HeaderNames.AccessControlMaxAge, HeaderNames.Age, HeaderNames.Allow, HeaderNames.CacheControl,
            HeaderNames.ContentDisposition, HeaderNames.ContentEncoding, HeaderNames.ContentLanguage, HeaderNames.ContentLocation,
            HeaderNames.ContentRange, HeaderNames.ContentSecurityPolicy, HeaderNames.ContentType, HeaderNames.Date, HeaderNames.ETag,
            HeaderNames.Expires, HeaderNames.LastModified, HeaderNames.Link, HeaderNames.Location, HeaderNames.Pragma,
            "Referrer-Policy", HeaderNames.RetryAfter, HeaderNames.Server, HeaderNames.SetCookie,
            HeaderNames.StrictTransportSecurity, HeaderNames.UpgradeInsecureRequests, HeaderNames.Vary, HeaderNames.Via,
            HeaderNames.WWWAuthenticate, HeaderNames.XContentTypeOptions, HeaderNames.XFrameOptions, HeaderNames.XPoweredBy,
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

    private static IEnumerable<FieldName> OfOneConnection(params string[] names) => names.Select(name => new FieldName(name, FieldKind.HopByHop));

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
