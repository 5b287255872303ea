namespace Kiro.Balancer.Forwarding.Http1.Syntax;

/// <summary>Methods that the balancer treats differently. They are case-sensitive: <c>get</c> is another one (RFC 9110, section 9.1).</summary>
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

/// <summary>
/// The head of a request: what <see cref="RequestParser"/> found in it, as places in the bytes that it was given. Made once
/// and used again for the next request.
/// </summary>
internal sealed class RequestHead(int maxBytes = RequestHead.DefaultMaxBytes)
{
    /// <summary><see cref="MaxBytes"/> unless it is set.</summary>
    public const int DefaultMaxBytes = 32 * 1024;

    /// <summary>The longest target that is taken, in bytes.</summary>
    public const int MaxTarget = 8 * 1024;

    /// <summary>Fields of one request at most.</summary>
    public const int MaxFields = 100;

    /// <summary>The longest head that is taken, empty lines before it included; in bytes.</summary>
    public int MaxBytes { get; } = maxBytes;

    private readonly RequestField[] _fields = new RequestField[MaxFields];

    /// <summary>Bytes up to the body, empty lines before the request included.</summary>
    public int Length { get; set; }

    /// <summary>The status that refuses the request, when it is refused: 400, 414, 431, 501 or 505.</summary>
    public int RefusalStatus { get; private set; }

    /// <summary>Why it is refused, in plain words.</summary>
    public string Problem { get; private set; } = "";

    public RequestMethod Method { get; set; }

    /// <summary>Place and length of the method.</summary>
    public (int Start, int Length) MethodName { get; set; }

    /// <summary>Place and length of the target as the client wrote it.</summary>
    public (int Start, int Length) Target { get; set; }

    /// <summary>
    /// Place and length of path and query within the target. It begins with a slash, unless there is no path (empty, or only
    /// a query: the path is the root then) or it is <c>*</c>.
    /// </summary>
    public (int Start, int Length) Path { get; set; }

    /// <summary>
    /// Place and length of the authority: of a target in absolute form that one, whatever Host says (RFC 9112, section 3.2.2),
    /// otherwise the value of Host. A length of 0: it is empty, or an HTTP/1.0 client gave none.
    /// </summary>
    public (int Start, int Length) Host { get; set; }

    /// <summary>Whether there is a Host field, empty or not.</summary>
    public bool HasHost { get; set; }

    /// <summary>Whether the target is a URL.</summary>
    public bool IsAbsolute => Path.Start > Target.Start || (Path.Length == 0 && Target.Length > 0);

    /// <summary>HTTP/1.0: knows no chunks and no interim responses. All other HTTP/1 counts as HTTP/1.1 (RFC 9110, section 2.5).</summary>
    public bool IsHttp10 { get; set; }

    /// <summary>Null when it is not given.</summary>
    public long? ContentLength { get; set; }

    public bool IsChunked { get; set; }

    /// <summary>Whether the client's connection ends with the response.</summary>
    public bool Closes { get; set; }

    /// <summary>Whether the client waits for "100 Continue". Never of an HTTP/1.0 client (RFC 9110, section 10.1.1).</summary>
    public bool ExpectsContinue { get; set; }

    /// <summary>Whether trailers of the response are wanted.</summary>
    public bool AcceptsTrailers { get; set; }

    /// <summary>Whether this is the opening handshake of a WebSocket (RFC 6455, section 4.1). No other upgrade is one here.</summary>
    public bool IsWebSocket { get; set; }

    /// <summary>It goes on with a login that is bound to the connection (NTLM or Negotiate): the node's must serve nobody else.</summary>
    public bool BindsConnection { get; set; }

    /// <summary>All fields, in their order.</summary>
    public ReadOnlySpan<RequestField> Fields => _fields.AsSpan(0, FieldCount);

    public int FieldCount { get; private set; }

    /// <summary>How the body ends. Of a request it never ends with the connection.</summary>
    public BodyFraming Framing => IsChunked ? BodyFraming.Chunked : ContentLength > 0 ? BodyFraming.Length : BodyFraming.None;

    /// <summary>RFC 9110, section 9.2.2.</summary>
    public bool IsIdempotent => Method is not (RequestMethod.Other or RequestMethod.Post or RequestMethod.Connect);

    /// <summary>The value of the first field of a kind that is not empty; empty when there is none.</summary>
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

    /// <summary>Says why the request is refused. Its connection must end: what follows may not be what the client meant.</summary>
    public RequestState Refuse(int status, string problem)
    {
        (RefusalStatus, Problem) = (status, problem);
        return RequestState.Refused;
    }

    /// <returns>False when there are too many.</returns>
    public bool TryAdd(in RequestField field)
    {
        if (FieldCount == MaxFields)
        {
            return false;
        }

        _fields[FieldCount++] = field;
        return true;
    }

    /// <summary>Has a field end here because Connection names it.</summary>
    public void Drop(int field) => _fields[field] = _fields[field] with { IsNamed = true };

    public void Clear()
    {
        (Length, RefusalStatus, Problem, Method, FieldCount) = (0, 0, "", RequestMethod.Other, 0);
        (MethodName, Target, Path, Host, ContentLength) = (default, default, default, default, null);
        HasHost = IsHttp10 = IsChunked = Closes = ExpectsContinue = AcceptsTrailers = IsWebSocket = BindsConnection = false;
    }
}

/// <summary>A field of a request: where it stands in the bytes of the head.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="IsNamed">Whether Connection names it, so that it ends here.</param>
/// <param name="NameStart">Place of the name.</param>
/// <param name="NameLength">Length of the name.</param>
/// <param name="ValueStart">Place of the value, without the space around it.</param>
/// <param name="ValueLength">Length of the value.</param>
/// <param name="LineEnd">Place behind the end of the line.</param>
internal readonly record struct RequestField(
    RequestFieldKind Kind, bool IsNamed, int NameStart, int NameLength, int ValueStart, int ValueLength, int LineEnd)
{
    public ReadOnlySpan<byte> Name(ReadOnlySpan<byte> head) => head.Slice(NameStart, NameLength);

    public ReadOnlySpan<byte> Value(ReadOnlySpan<byte> head) => head.Slice(ValueStart, ValueLength);
}
