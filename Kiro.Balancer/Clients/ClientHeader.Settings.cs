using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <content>As a variable says it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record ClientHeader
{
    private const string Variable = "CLIENT_IP_HEADER";

    public static ClientHeader Read(SettingsReader settings)
    {
        var name = settings.Text(Variable);
        if (name is null)
        {
            return Default;
        }

        if (!ClientFieldName.IsUsable(name))
        {
            settings.Reject(Variable, name, "X-Forwarded-For, Forwarded, or the name of a field with one address such as CF-Connecting-IP");
            return Default;
        }

        return name.Equals(XForwardedFor, StringComparison.OrdinalIgnoreCase) ? new(XForwardedFor, ClientHeaderForm.XForwardedFor)
            : name.Equals(Forwarded, StringComparison.OrdinalIgnoreCase) ? new(Forwarded, ClientHeaderForm.Forwarded)
            : new(name, ClientHeaderForm.OneAddress);
    }
}
