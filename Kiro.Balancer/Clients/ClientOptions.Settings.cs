using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <content>As variables say it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record ClientOptions
{
    private const string ProxyProtocol = "PROXY_PROTOCOL";

    public static ClientOptions Read(SettingsReader settings)
    {
        var options = new ClientOptions(
            [.. ServiceDefaults.Trust.TrustedProxies.Read(settings).Select(AddressRange.From)], ClientHeader.Read(settings))
        {
            Sticky = StickyOptions.Read(settings),
            TakesProxyHeaders = settings.Switch(ProxyProtocol, false),
            WritesForwarded = settings.Switch("FORWARDED", false),
        };
        if (options is { TakesProxyHeaders: true, TrustedProxies.Count: 0 })
        {
            settings.Warn($"{ProxyProtocol} is not used: TRUSTED_PROXIES names nobody whose header would count.");
        }

        return options;
    }
}
