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
