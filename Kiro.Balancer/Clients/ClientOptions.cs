namespace Kiro.Balancer.Clients;

/// <summary>Whose word counts about who is calling, and which, and what clients are told apart by.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
/// <param name="Header"><c>CLIENT_IP_HEADER</c>.</param>
internal sealed partial record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies, ClientHeader Header)
{
    /// <summary><c>STICKY_BY</c>.</summary>
    public StickyOptions Sticky { get; init; } = StickyOptions.ByAddress;

    /// <summary><c>PROXY_PROTOCOL</c>: <c>on</c> requires its header of every connection of a trusted proxy; <c>off</c> by default.</summary>
    public bool TakesProxyHeaders { get; init; }

    /// <summary><c>FORWARDED</c>: <c>on</c> tells nodes by Forwarded (RFC 7239), too, whether a proxy before did or not; <c>off</c>
    /// by default.</summary>
    public bool WritesForwarded { get; init; }
}

/// <summary>The field by which a trusted peer tells who the client is.</summary>
/// <param name="Name">As it is set.</param>
/// <param name="Form">How it is read.</param>
internal sealed partial record ClientHeader(string Name, ClientHeaderForm Form)
{
    public const string XForwardedFor = "X-Forwarded-For";
    public const string Forwarded = "Forwarded";

    /// <summary>What is read when <c>CLIENT_IP_HEADER</c> is unset: X-Forwarded-For, and where that is missing Forwarded.</summary>
    public static ClientHeader Default { get; } = new(XForwardedFor, ClientHeaderForm.Either);
}

/// <summary>How a field tells who the client is.</summary>
internal enum ClientHeaderForm
{
    /// <summary>X-Forwarded-For; where that is missing, Forwarded.</summary>
    Either,

    /// <summary>A list of addresses, to which each proxy appends its peer.</summary>
    XForwardedFor,

    /// <summary>A list of elements with <c>for=</c> (RFC 7239).</summary>
    Forwarded,

    /// <summary>The client's address and nothing else.</summary>
    OneAddress,
}

/// <summary>What a client is recognised by when it is given its node. Every balancer of a service must have the same.</summary>
/// <param name="Cookie">With <c>STICKY_BY=cookie</c>: the balancer's own, named by <c>STICKY_COOKIE</c>; else null.</param>
/// <param name="Field">With <c>STICKY_BY=header:NAME</c>: the name of the field; else null.</param>
internal sealed partial record StickyOptions(StickyCookie? Cookie, string? Field)
{
    private const string FieldPrefix = "header:";

    /// <summary><c>STICKY_BY=ip</c>, the default.</summary>
    public static StickyOptions ByAddress { get; } = new(null, null);

    /// <summary>Whether the client's address is what counts, and nothing else is to be looked for.</summary>
    public bool IsByAddress => Cookie is null && Field is null;

    /// <summary>As it is set.</summary>
    public string Word => Cookie is not null ? "cookie" : Field is not null ? FieldPrefix + Field : "ip";
}
