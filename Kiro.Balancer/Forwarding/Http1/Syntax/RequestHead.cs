namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Methods with special handling. They are case-sensitive (RFC 9110, section 9.1).</summary>
internal enum RequestMethod : byte
{
    Other,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Trace,
    Connect,
}

/// <summary>The parsed head of a request, as offsets into the parsed bytes. Reused from request to request.</summary>
internal sealed class RequestHead(int maxBytes = RequestHead.DefaultMaxBytes)
{
    /// <summary>The default of <see cref="MaxBytes"/>.</summary>
    public const int DefaultMaxBytes = 32 * 1024;

    /// <summary>Maximum length of the request target in bytes.</summary>
    public const int MaxTargetLength = 8 * 1024;

    public const int MaxFields = 100;

    /// <summary>Maximum length of the head in bytes, including empty lines before it.</summary>
    public int MaxBytes { get; } = maxBytes;

    private readonly RequestField[] _fields = new RequestField[MaxFields];

    /// <summary>Length of the head in bytes, including empty lines before the request line.</summary>
    public int Length { get; set; }

    /// <summary>The status of the refusal: 400, 414, 431, 501 or 505; 0 if the request is not refused.</summary>
    public int RefusalStatus { get; private set; }

    /// <summary>The reason for the refusal.</summary>
    public string Problem { get; private set; } = "";

    public RequestMethod Method { get; set; }

    public (int Start, int Length) MethodName { get; set; }

    /// <summary>The target as the client sent it.</summary>
    public (int Start, int Length) Target { get; set; }

    /// <summary>Path and query within the target. Starts with a slash unless the path is empty (that is, the root) or <c>*</c>.</summary>
    public (int Start, int Length) Path { get; set; }

    /// <summary>
    /// The authority: that of an absolute-form target, which overrides Host (RFC 9112, section 3.2.2), or else the value of Host. Of length 0 if
    /// Host is empty, or missing in HTTP/1.0.
    /// </summary>
    public (int Start, int Length) Host { get; set; }

    /// <summary>Whether a Host field is present, even if it is empty.</summary>
    public bool HasHost { get; set; }

    /// <summary>Whether the target is in absolute form.</summary>
    public bool IsAbsolute => Path.Start > Target.Start || (Path.Length == 0 && Target.Length > 0);

    /// <summary>HTTP/1.0, which has neither chunked encoding nor interim responses. Any other HTTP/1.x is treated as
    /// HTTP/1.1 (RFC 9110, section 2.5).</summary>
    public bool IsHttp10 { get; set; }

    public long? ContentLength { get; set; }

    public bool IsChunked { get; set; }

    /// <summary>Whether the client's connection closes after the response.</summary>
    public bool Closes { get; set; }

    /// <summary>Whether the client expects "100 Continue"; never set for HTTP/1.0 (RFC 9110, section 10.1.1).</summary>
    public bool ExpectsContinue { get; set; }

    /// <summary>Whether the client accepts trailers (<c>TE: trailers</c>).</summary>
    public bool AcceptsTrailers { get; set; }

    /// <summary>Whether this is a WebSocket opening handshake (RFC 6455, section 4.1). Other upgrades are not supported.</summary>
    public bool IsWebSocket { get; set; }

    /// <summary>Whether the request carries connection-bound authentication (NTLM, Negotiate): its backend connection must not be shared.</summary>
    public bool BindsConnection { get; set; }

    public ReadOnlySpan<RequestField> Fields => _fields.AsSpan(0, FieldCount);

    public int FieldCount { get; private set; }

    /// <summary>Framing of the body. A request body never extends to the close of the connection.</summary>
    public BodyFraming Framing => IsChunked ? BodyFraming.Chunked : ContentLength > 0 ? BodyFraming.Length : BodyFraming.None;

    /// <summary>RFC 9110, section 9.2.2.</summary>
    public bool IsIdempotent => Method is not (RequestMethod.Other or RequestMethod.Post or RequestMethod.Connect);

    /// <summary>The first non-empty value of a field kind; empty if there is none.</summary>
    public ReadOnlySpan<byte> FirstValue(ReadOnlySpan<byte> head, RequestFieldKind kind)
    {
        foreach (var field in Fields)
        {
            if (field.Kind == kind && field.ValueLength > 0)
            {
                return field.Value(head);
            }
        }

        return [];
    }

    /// <summary>Refuses the request. Its connection must close: where the next request starts is unknown.</summary>
    public RequestState Refuse(int status, string problem)
    {
        (RefusalStatus, Problem) = (status, problem);
        return RequestState.Refused;
    }

    public bool HasField(RequestFieldKind kind)
    {
        foreach (ref readonly var field in Fields)
        {
            if (field.Kind == kind)
            {
                return true;
            }
        }

        return false;
    }

    /// <returns>False if there are too many fields.</returns>
    public bool TryAdd(in RequestField field)
    {
        if (FieldCount == MaxFields)
        {
            return false;
        }

        _fields[FieldCount++] = field;
        return true;
    }

    /// <summary>Marks a field as named in Connection, so that it is not forwarded.</summary>
    public void MarkConnectionOption(int field) => _fields[field] = _fields[field] with { IsConnectionOption = true };

    public void Clear()
    {
        (Length, RefusalStatus, Problem, Method, FieldCount) = (0, 0, "", RequestMethod.Other, 0);
        (MethodName, Target, Path, Host, ContentLength) = (default, default, default, default, null);
        HasHost = IsHttp10 = IsChunked = Closes = ExpectsContinue = AcceptsTrailers = IsWebSocket = BindsConnection = false;
    }
}

/// <summary>A request field, as offsets into the head.</summary>
/// <param name="Kind">What it means to the balancer.</param>
/// <param name="IsConnectionOption">Whether Connection names it, so that it is not forwarded.</param>
/// <param name="NameStart">Offset of the name.</param>
/// <param name="NameLength">Length of the name.</param>
/// <param name="ValueStart">Offset of the value without surrounding whitespace.</param>
/// <param name="ValueLength">Length of the value.</param>
/// <param name="LineEnd">Offset after the line ending.</param>
internal readonly record struct RequestField(
    RequestFieldKind Kind, bool IsConnectionOption, int NameStart, int NameLength, int ValueStart, int ValueLength, int LineEnd)
{
    public ReadOnlySpan<byte> Name(ReadOnlySpan<byte> head) => head.Slice(NameStart, NameLength);

    public ReadOnlySpan<byte> Value(ReadOnlySpan<byte> head) => head.Slice(ValueStart, ValueLength);
}
