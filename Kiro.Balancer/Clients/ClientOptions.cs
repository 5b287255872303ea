namespace Kiro.Balancer.Clients;

/// <summary>Whose word counts about who is calling, and which.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
/// <param name="Header"><c>CLIENT_IP_HEADER</c>.</param>
internal sealed partial record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies, ClientHeader Header);
