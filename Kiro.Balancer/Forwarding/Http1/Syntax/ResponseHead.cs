using System.Text;

namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The head of a response: what <see cref="ResponseParser"/> found in it. Used again for the next one.</summary>
internal sealed class ResponseHead
{
    /// <summary>The longest head that is taken, in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Fields that are taken at most, and names in Connection: what a head grows by on its way to the client stays small.</summary>
    public const int MaxFields = 1000;

    /// <summary>Interim responses before a final one at most; more are no help to anybody.</summary>
    public const int MaxInterim = 100;

    /// <summary>100 to 999.</summary>
    public int Status { get; set; }

    /// <summary>Place and length of the reason.</summary>
    public (int Start, int Length) Reason { get; set; }

    /// <summary>HTTP/1.0: no interim responses, no chunks, and no connection that stays open.</summary>
    public bool IsHttp10 { get; set; }

    /// <summary>Null when it is not given.</summary>
    public long? ContentLength { get; set; }

    public bool IsChunked { get; set; }

    /// <summary>Whether Connection says "close".</summary>
    public bool SaysClose { get; set; }

    /// <summary>Whether the connection ends with the response.</summary>
    public bool Closes { get; set; }

    /// <summary>Whether Connection names fields that concern this connection only.</summary>
    public bool NamesFields { get; set; }

    /// <summary>Whether trailers are announced.</summary>
    public bool AnnouncesTrailers { get; set; }

    /// <summary>How long the node keeps the connection when it is idle, in seconds (<c>Keep-Alive: timeout=5</c>). Null when it does not say.</summary>
    public int? KeepAliveTimeout { get; set; }

    /// <summary>How many requests the node takes on the connection (<c>Keep-Alive: max=100</c>): all of them, or those still to
    /// come, as servers differ. Null when it does not say.</summary>
    public int? KeepAliveMax { get; set; }

    /// <summary>It begins or goes on with a login that is bound to the connection (NTLM or Negotiate, RFC 4559): the
    /// connection must not serve another client.</summary>
    public bool BindsConnection { get; set; }

    /// <summary>The body is a stream of server-sent events.</summary>
    public bool IsEventStream { get; set; }

    /// <summary>All fields, in their order.</summary>
    public List<ResponseField> Fields { get; } = [];

    /// <summary>An interim response: another one follows.</summary>
    public bool IsInterim => Status < 200;

    /// <summary>How the body ends.</summary>
    /// <param name="isHead">Whether it answers a HEAD request.</param>
    public BodyFraming Framing(bool isHead) =>
        isHead || Status is < 200 or 204 or 205 or 304 ? BodyFraming.None
        : IsChunked ? BodyFraming.Chunked
        : ContentLength is null ? BodyFraming.UntilClose
        : ContentLength == 0 ? BodyFraming.None : BodyFraming.Length;

    /// <summary>Whether a field is the client's business. The length is not among these: it goes with the framing.</summary>
    public bool PassesOn(in ResponseField field) =>
        field.Known is not { } known
        || known.Kind is FieldKind.EndToEnd or FieldKind.Trailer or FieldKind.Host
        // What a client is to upgrade to is all that such a response says (RFC 9110, section 15.5.22).
        || (Status == StatusCodes.Status426UpgradeRequired && ReferenceEquals(known, FieldNames.Upgrade));

    public void Clear()
    {
        (Status, Reason, ContentLength, KeepAliveTimeout, KeepAliveMax) = (0, default, null, null, null);
        IsHttp10 = IsChunked = SaysClose = Closes = NamesFields = AnnouncesTrailers = BindsConnection = IsEventStream = false;
        Fields.Clear();
    }
}

/// <summary>A field of a response: where it stands in the bytes of the head.</summary>
/// <param name="Known">Its name, if that is a well-known one.</param>
/// <param name="NameStart">Place of the name.</param>
/// <param name="NameLength">Length of the name.</param>
/// <param name="ValueStart">Place of the value, without the space around it.</param>
/// <param name="ValueLength">Length of the value.</param>
internal readonly record struct ResponseField(FieldName? Known, int NameStart, int NameLength, int ValueStart, int ValueLength);

/// <summary>What well-known fields of a response say about its connection and its body, apart from the framing.</summary>
internal static class ResponseTraits
{
    public static void Note(FieldName name, ReadOnlySpan<byte> value, ResponseHead head)
    {
        if (ReferenceEquals(name, FieldNames.ContentType))
        {
            head.IsEventStream = IsEventStream(value);
        }
        else if (ReferenceEquals(name, FieldNames.KeepAlive))
        {
            ReadKeepAlive(value, head);
        }
        else if (ReferenceEquals(name, FieldNames.WwwAuthenticate) || ReferenceEquals(name, FieldNames.ProxyAuthenticate))
        {
            head.BindsConnection |= BindsConnection(value);
        }
    }

    /// <summary>Whether a value of Content-Type means server-sent events: the type counts, in any case, and no parameter.</summary>
    public static bool IsEventStream(ReadOnlySpan<byte> contentType) =>
        Ascii.EqualsIgnoreCase(contentType[..(contentType.IndexOf((byte)';') is >= 0 and var end ? end : contentType.Length)].TrimEnd(" \t"u8), "text/event-stream"u8);

    /// <summary>Whether a value of WWW-Authenticate, Authorization or their kin for proxies has a scheme that logs a
    /// connection in, not a request.</summary>
    public static bool BindsConnection(ReadOnlySpan<byte> value)
    {
        foreach (var range in value.Split((byte)','))
        {
            var challenge = value[range].Trim(" \t"u8);
            var scheme = challenge[..HttpSyntax.TokenLength(challenge)];
            if (Ascii.EqualsIgnoreCase(scheme, "NTLM"u8) || Ascii.EqualsIgnoreCase(scheme, "Negotiate"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static void ReadKeepAlive(ReadOnlySpan<byte> value, ResponseHead head)
    {
        foreach (var range in value.Split((byte)','))
        {
            var parameter = value[range].Trim(" \t"u8);
            var equals = parameter.IndexOf((byte)'=');
            if (equals < 0 || !TryParse(parameter[(equals + 1)..].Trim(" \t"u8), out var number))
            {
                continue;
            }

            var name = parameter[..equals].TrimEnd(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "timeout"u8))
            {
                head.KeepAliveTimeout = number;
            }
            else if (Ascii.EqualsIgnoreCase(name, "max"u8))
            {
                head.KeepAliveMax = number;
            }
        }
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out int number) =>
        System.Buffers.Text.Utf8Parser.TryParse(text, out number, out var length) && length == text.Length && number >= 0;
}
