using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <content>As variables say it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record StickyOptions
{
    private const string Variable = "STICKY_BY";
    private const string CookieVariable = "STICKY_COOKIE";
    private const string DefaultCookie = "kiro";
    private const string Allowed = "ip, cookie, or header: and the name of a field that tells clients apart, such as header:X-User-Id";

    public static StickyOptions Read(SettingsReader settings)
    {
        var (text, cookie) = (settings.Text(Variable, "ip"), settings.Text(CookieVariable, DefaultCookie));
        if (!ClientFieldName.IsToken(cookie))
        {
            settings.Reject(CookieVariable, cookie, $"a cookie's name: up to {ClientFieldName.MaxLength} letters, digits and {ClientFieldName.TokenCharacters}");
        }
        else if (text == "cookie")
        {
            return new StickyOptions(new StickyCookie(cookie), null);
        }

        if (settings.Text(CookieVariable) is not null && text != "cookie")
        {
            settings.Warn($"{CookieVariable} is not used: {Variable} is {text}.");
        }

        if (text is "ip" or "cookie")
        {
            return ByAddress;
        }

        var name = text.StartsWith(FieldPrefix, StringComparison.Ordinal) ? text[FieldPrefix.Length..].Trim() : "";
        if (!ClientFieldName.IsUsable(name))
        {
            settings.Reject(Variable, text, Allowed);
            return ByAddress;
        }

        return new StickyOptions(null, name);
    }
}
