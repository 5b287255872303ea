namespace Kiro.Balancer.Clients;

/// <summary>How clients are identified, and who is trusted to forward their addresses.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
/// <param name="Header"><c>CLIENT_IP_HEADER</c>.</param>
internal sealed partial record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies, ClientHeader Header)
{
    /// <summary><c>STICKY_BY</c>.</summary>
    public StickyOptions Sticky { get; init; } = StickyOptions.ByAddress;

    /// <summary><c>PROXY_PROTOCOL</c>: <c>on</c> requires the header on every connection from a trusted proxy; <c>off</c> by default.</summary>
    public bool TakesProxyHeaders { get; init; }

    /// <summary><c>FORWARDED</c>: <c>on</c> also sends Forwarded (RFC 7239), even if the request had none; <c>off</c> by default.</summary>
    public bool WritesForwarded { get; init; }
}

/// <summary>The field in which trusted peers send the client's address.</summary>
/// <param name="Name">The field name.</param>
/// <param name="Format">Its format.</param>
internal sealed partial record ClientHeader(string Name, ClientHeaderFormat Format)
{
    public const string XForwardedFor = "X-Forwarded-For";
    public const string Forwarded = "Forwarded";

    /// <summary>Without <c>CLIENT_IP_HEADER</c>: X-Forwarded-For, or Forwarded if that is missing.</summary>
    public static ClientHeader Default { get; } = new(XForwardedFor, ClientHeaderFormat.Either);
}

/// <summary>The format of a field with the client's address.</summary>
internal enum ClientHeaderFormat
{
    /// <summary>X-Forwarded-For, or Forwarded if that is missing.</summary>
    Either,

    /// <summary>A list of addresses, to which each proxy appends its peer.</summary>
    XForwardedFor,

    /// <summary>A list of elements with <c>for=</c> (RFC 7239).</summary>
    Forwarded,

    /// <summary>A single address.</summary>
    SingleAddress,
}

/// <summary>What identifies a client. All balancers in front of a service need the same value.</summary>
/// <param name="Cookie">With <c>STICKY_BY=cookie</c>: the balancer's cookie, named by <c>STICKY_COOKIE</c>; else null.</param>
/// <param name="Field">With <c>STICKY_BY=header:NAME</c>: the name of the field; else null.</param>
internal sealed partial record StickyOptions(StickyCookie? Cookie, string? Field)
{
    private const string FieldPrefix = "header:";

    /// <summary><c>STICKY_BY=ip</c>, the default.</summary>
    public static StickyOptions ByAddress { get; } = new(null, null);

    /// <summary>Whether the address identifies a client, and no key is needed.</summary>
    public bool IsByAddress => Cookie is null && Field is null;

    /// <summary>The value of <c>STICKY_BY</c>.</summary>
    public string Setting => Cookie is not null ? "cookie" : Field is not null ? FieldPrefix + Field : "ip";
}
