using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <content>As variables say it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record ClientOptions
{
    public static ClientOptions Read(SettingsReader settings) => new(
        [.. ServiceDefaults.Trust.TrustedProxies.Read(settings).Select(AddressRange.From)],
        ClientHeader.Read(settings));
}
