using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <summary>Whose word counts about who is calling.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
internal sealed record ClientOptions(IReadOnlyList<AddressRange> TrustedProxies)
{
    public static ClientOptions Read(SettingsReader settings) =>
        new([.. ServiceDefaults.Trust.TrustedProxies.Read(settings).Select(AddressRange.From)]);
}
