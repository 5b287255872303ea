using System.Globalization;
using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>How a node is written: <c>host:port</c>, <c>[2001:db8::1]:13004</c>, <c>https://host</c>, each with <c>*weight</c> or
/// without.</summary>
internal static class BackendAddress
{
    /// <summary>What may be written, to follow "expected".</summary>
    public const string Expected =
        "host:port or host:port*weight, with https:// before it for TLS, ports from 1 to 65535, weights from 0.01 to 1000";

    private const string Plain = "http://";
    private const string Secure = "https://";
    private const int PlainPort = 80;
    private const int SecurePort = 443;

    /// <returns>Null when it is not written like that.</returns>
    public static BackendEndpoint? Parse(string text)
    {
        var star = text.IndexOf('*');
        var weight = 1.0;
        if (star >= 0 && !(double.TryParse(text.AsSpan(star + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight)
            && BackendWeight.IsValid(weight)))
        {
            return null;
        }

        var address = star < 0 ? text : text[..star];
        var isTls = address.StartsWith(Secure, StringComparison.OrdinalIgnoreCase);
        var isUrl = isTls || address.StartsWith(Plain, StringComparison.OrdinalIgnoreCase);
        if (isUrl)
        {
            address = address[(isTls ? Secure : Plain).Length..];
            // As it is copied from a browser.
            address = address.EndsWith('/') ? address[..^1] : address;
        }

        var colon = address.LastIndexOf(':');
        if (isUrl && colon <= address.LastIndexOf(']'))
        {
            return Endpoint(address, isTls ? SecurePort : PlainPort, weight, isTls);
        }

        return colon > 0
            && int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is >= 1 and <= 65535
                ? Endpoint(address[..colon], port, weight, isTls) : null;
    }

    private static BackendEndpoint? Endpoint(string host, int port, double weight, bool isTls)
    {
        var isBracketed = host is ['[', .., ']'];
        if (isBracketed)
        {
            host = host[1..^1];
        }

        return Uri.CheckHostName(host) switch
        {
            UriHostNameType.IPv6 when isBracketed => new BackendEndpoint(IPAddress.Parse(host).ToString(), port, weight, isTls),
            UriHostNameType.IPv4 or UriHostNameType.Dns when !isBracketed && HostName.IsUnambiguous(host) => new BackendEndpoint(host, port, weight, isTls),
            _ => null,
        };
    }
}
