using System.Text;
using Kiro.Balancer.Clients;
using Microsoft.Net.Http.Headers;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

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
