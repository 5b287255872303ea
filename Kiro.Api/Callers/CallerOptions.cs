using System.Net;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Callers;

/// <summary>Whose word about the caller's address counts.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>.</param>
internal sealed record CallerOptions(IReadOnlyList<IPNetwork> TrustedProxies)
{
    public static CallerOptions Read(SettingsReader settings) => new(ServiceDefaults.Trust.TrustedProxies.Read(settings));
}
