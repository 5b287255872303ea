using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <summary>Whose word counts about who is calling, and which.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
/// <param name="Header"><c>CLIENT_IP_HEADER</c>.</param>
internal sealed record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies, ClientHeader Header)
{
    public static ClientOptions Read(SettingsReader settings) => new(
        [.. ServiceDefaults.Trust.TrustedProxies.Read(settings).Select(AddressRange.From)],
        ClientHeader.Read(settings));
}
