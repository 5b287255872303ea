using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <content>As variables say it: apart, because Kiro.Yarp has the rest and no variables.</content>
internal sealed partial record StickyOptions
{
    private const string Variable = "STICKY_BY";
    private const string CookieVariable = "STICKY_COOKIE";
    private const string DefaultCookie = "kiro";
    private const string Allowed = "ip, cookie, or header: and the name of a field that tells clients apart, such as header:X-User-Id";
    private const string TokenCharacters = "!#$%&'*+-.^_`|~";
    private const int MaxName = 64;

    // Neither tells clients apart, or not in the same words on every path.
    private static readonly HashSet<string> OtherPurposes = new(StringComparer.OrdinalIgnoreCase)
    {
        "ALPN", "Close", "Connection", "Content-Length", "Cookie", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    public static StickyOptions Read(SettingsReader settings)
    {
        var (text, cookie) = (settings.Text(Variable, "ip"), settings.Text(CookieVariable, DefaultCookie));
        if (!IsToken(cookie))
        {
            settings.Reject(CookieVariable, cookie, $"a cookie's name: up to {MaxName} letters, digits and {TokenCharacters}");
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
        if (!IsToken(name) || OtherPurposes.Contains(name))
        {
            settings.Reject(Variable, text, Allowed);
            return ByAddress;
        }

        return new StickyOptions(null, name);
    }

    private static bool IsToken(string text) => text.Length is > 0 and <= MaxName
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || TokenCharacters.Contains(letter));
}
