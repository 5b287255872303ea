using System.Net;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Api.Callers;

/// <summary>Whose word about the caller's address counts.</summary>
/// <param name="TrustedProxies"><c>TRUSTED_PROXIES</c>: networks in CIDR notation, or single addresses, separated by
/// commas, or <c>none</c>; default this machine alone.</param>
internal sealed record CallerOptions(IReadOnlyList<IPNetwork> TrustedProxies)
{
    private const string Variable = "TRUSTED_PROXIES";
    private const string Default = "127.0.0.0/8,::1/128";

    public static CallerOptions Read(SettingsReader settings)
    {
        var networks = new List<IPNetwork>();
        var list = settings.Text(Variable) ?? Default;
        foreach (var text in list == "none" ? [] : list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(text) is { } network)
            {
                networks.Add(network);
            }
            else
            {
                settings.Reject(Variable, text, "addresses or networks such as 10.0.0.0/8 or fd00::/8, separated by commas");
            }
        }

        return new CallerOptions(networks);
    }

    private static IPNetwork? Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var host = slash < 0 ? text : text[..slash];
        // "10/8" is read as 0.0.0.10/8, which nobody means.
        if (!IPAddress.TryParse(host, out var address) || (!host.Contains(':') && host.Count(c => c == '.') != 3))
        {
            return null;
        }

        var bits = address.GetAddressBytes().Length * 8;
        var length = bits;
        if (slash >= 0 && (!byte.TryParse(text.AsSpan(slash + 1), out var given) || (length = given) > bits))
        {
            return null;
        }

        // 10.1.2.3/8 means 10.0.0.0/8 to everyone but the framework's parser.
        var bytes = address.GetAddressBytes();
        for (var bit = length; bit < bits; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }
}
