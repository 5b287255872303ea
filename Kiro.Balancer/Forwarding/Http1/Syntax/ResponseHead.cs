namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>The parsed head of a response. Reused from response to response.</summary>
internal sealed class ResponseHead
{
    /// <summary>Maximum length in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Maximum number of fields, and of names in Connection: bounds how much a head can grow on its way to the client.</summary>
    public const int MaxFields = 1000;

    /// <summary>Maximum number of interim responses before the final one.</summary>
    public const int MaxInterim = 100;

    /// <summary>From 100 to 999.</summary>
    public int Status { get; set; }

    /// <summary>The reason phrase.</summary>
    public (int Start, int Length) Reason { get; set; }

    /// <summary>HTTP/1.0, which has no interim responses, no chunked encoding and no persistent connections.</summary>
    public bool IsHttp10 { get; set; }

    public long? ContentLength { get; set; }

    public bool IsChunked { get; set; }

    /// <summary>Whether Connection contains <c>close</c>.</summary>
    public bool HasConnectionClose { get; set; }

    /// <summary>Whether the connection closes after the response.</summary>
    public bool Closes { get; set; }

    /// <summary>Whether Connection names hop-by-hop fields.</summary>
    public bool HasConnectionOptions { get; set; }

    /// <summary>Whether there is a Trailer field.</summary>
    public bool HasTrailerField { get; set; }

    /// <summary>The backend's keep-alive timeout in seconds (<c>Keep-Alive: timeout=5</c>).</summary>
    public int? KeepAliveTimeout { get; set; }

    /// <summary>How many requests the backend accepts on the connection (<c>Keep-Alive: max=100</c>): in total or remaining, depending on the
    /// server.</summary>
    public int? KeepAliveMax { get; set; }

    /// <summary>Whether the response carries connection-bound authentication (NTLM, Negotiate; RFC 4559): the connection must not serve another
    /// client.</summary>
    public bool BindsConnection { get; set; }

    /// <summary>Whether the body is a stream of server-sent events.</summary>
    public bool IsEventStream { get; set; }

    public List<ResponseField> Fields { get; } = [];

    /// <summary>1xx: another response follows.</summary>
    public bool IsInterim => Status < 200;

    /// <summary>Framing of the body.</summary>
    /// <param name="isHead">Whether the request method is HEAD.</param>
    public BodyFraming Framing(bool isHead) =>
        isHead || Status is < 200 or 204 or 205 or 304 ? BodyFraming.None
        : IsChunked ? BodyFraming.Chunked
        : ContentLength is null ? BodyFraming.UntilClose
        : ContentLength == 0 ? BodyFraming.None : BodyFraming.Length;

    /// <summary>Whether a field is forwarded. Content-Length is not: it belongs to the framing.</summary>
    public bool IsForwarded(in ResponseField field) =>
        field.Known is not { } known
        || known.Kind is FieldKind.EndToEnd or FieldKind.Trailer or FieldKind.Host
        // The protocol to upgrade to is the content of such a response (RFC 9110, section 15.5.22).
        || (Status == StatusCodes.Status426UpgradeRequired && ReferenceEquals(known, FieldNames.Upgrade));

    public void Clear()
    {
        (Status, Reason, ContentLength, KeepAliveTimeout, KeepAliveMax) = (0, default, null, null, null);
        IsHttp10 = IsChunked = HasConnectionClose = Closes = HasConnectionOptions = HasTrailerField = BindsConnection = IsEventStream = false;
        Fields.Clear();
    }
}

/// <summary>A response field, as offsets into the head.</summary>
/// <param name="Known">The name, if it is well-known.</param>
/// <param name="NameStart">Offset of the name.</param>
/// <param name="NameLength">Length of the name.</param>
/// <param name="ValueStart">Offset of the value without surrounding whitespace.</param>
/// <param name="ValueLength">Length of the value.</param>
internal readonly record struct ResponseField(FieldName? Known, int NameStart, int NameLength, int ValueStart, int ValueLength);
