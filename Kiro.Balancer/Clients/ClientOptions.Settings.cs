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

/// <summary>The name of a field by which clients are told, or told apart, as somebody sets it.</summary>
internal static class ClientFieldName
{
    /// <summary>In characters.</summary>
    public const int MaxLength = 64;

    /// <summary>What a token may have besides letters and digits (RFC 9110, section 5.6.2).</summary>
    public const string TokenCharacters = "!#$%&'*+-.^_`|~";

    // They say something else, or not the same on every path.
    private static readonly HashSet<string> OtherPurposes = new(StringComparer.OrdinalIgnoreCase)
    {
        "ALPN", "Close", "Connection", "Content-Length", "Cookie", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    /// <summary>Whether a name can be that of such a field.</summary>
    public static bool IsUsable(string name) => IsToken(name) && !OtherPurposes.Contains(name);

    /// <summary>Whether a name can be that of any field, or of a cookie.</summary>
    public static bool IsToken(string name) => name.Length is > 0 and <= MaxLength
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || TokenCharacters.Contains(letter));
}

internal static class ClientServices
{
    public static void AddClients(this IServiceCollection services, Reloadable<ClientOptions> options) => services
        .AddSingleton(options)
        .AddSingleton(options.Value.Sticky)
        .AddSingleton(_ =>
        {
            var resolver = new ClientResolver(options.Value);
            options.OnChange(now => resolver.Trust(now.TrustedProxies));
            return resolver;
        })
        .AddSingleton<ClientCensus>();
}
