namespace Kiro.Balancer.Forwarding.Http1.Syntax;

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
