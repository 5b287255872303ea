using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients;

/// <content>Reading from variables: in its own file because Kiro.Yarp links the rest and has no variables.</content>
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
            settings.Warn($"{ProxyProtocol} is not used: TRUSTED_PROXIES is empty, so no header is accepted.");
        }

        return options;
    }
}

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

        return name.Equals(XForwardedFor, StringComparison.OrdinalIgnoreCase) ? new(XForwardedFor, ClientHeaderFormat.XForwardedFor)
            : name.Equals(Forwarded, StringComparison.OrdinalIgnoreCase) ? new(Forwarded, ClientHeaderFormat.Forwarded)
            : new(name, ClientHeaderFormat.SingleAddress);
    }
}

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

/// <summary>Validates configured field and cookie names.</summary>
internal static class ClientFieldName
{
    public const int MaxLength = 64;

    /// <summary>The characters of a token besides letters and digits (RFC 9110, section 5.6.2).</summary>
    public const string TokenCharacters = "!#$%&'*+-.^_`|~";

    // Fields with another purpose, or that are not the same on all paths.
    private static readonly HashSet<string> ReservedNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "ALPN", "Close", "Connection", "Content-Length", "Cookie", "Expect", "Host", "HTTP2-Settings", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    /// <summary>Whether the field can identify clients.</summary>
    public static bool IsUsable(string name) => IsToken(name) && !ReservedNames.Contains(name);

    /// <summary>Whether it is a valid name of a field or a cookie.</summary>
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
            options.OnChange(now => resolver.SetTrusted(now.TrustedProxies));
            return resolver;
        })
        .AddSingleton<ClientCensus>();
}
