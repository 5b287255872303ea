using System.Globalization;
using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>The list <c>BACKEND_HOSTS</c>: <c>host:port,host:port*weight,[2001:db8::1]:13004</c>.</summary>
internal static class BackendHosts
{
    private const string Variable = "BACKEND_HOSTS";

    /// <returns>The nodes, or null when the variable is unset or cannot be used.</returns>
    public static IReadOnlyList<BackendEndpoint>? Read(SettingsReader settings)
    {
        if (settings.Text(Variable) is not { } text)
        {
            return null;
        }

        var endpoints = new List<BackendEndpoint>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(part) is not { } endpoint)
            {
                settings.Reject(Variable, text, $"host:port or host:port*weight, separated by commas, ports from 1 to 65535, weights from 0.01 to 1000; {part} is neither");
                return null;
            }

            if (endpoints.Any(other => other.Id == endpoint.Id))
            {
                settings.Reject(Variable, text, $"every node once; {endpoint.Id} is there twice");
                return null;
            }

            endpoints.Add(endpoint);
        }

        if (endpoints.Count == 0)
        {
            settings.Reject(Variable, text, "at least one host:port");
            return null;
        }

        WarnOfTwoNames(settings, endpoints);
        return endpoints;
    }

    // Other names are told apart by what their nodes call themselves, once they answer.
    private static void WarnOfTwoNames(SettingsReader settings, List<BackendEndpoint> endpoints)
    {
        foreach (var same in endpoints.Where(IsThisMachine).GroupBy(endpoint => endpoint.Port).Where(group => group.Count() > 1))
        {
            settings.Warn($"{Variable} names one node twice: {string.Join(" and ", same.Select(endpoint => endpoint.Id))} are the same port of this machine.");
        }
    }

    private static bool IsThisMachine(BackendEndpoint endpoint) =>
        endpoint.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(endpoint.Host, out var address) && IPAddress.IsLoopback(address));

    private static BackendEndpoint? Parse(string part)
    {
        var star = part.IndexOf('*');
        var weight = 1.0;
        if (star >= 0 && !(double.TryParse(part.AsSpan(star + 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out weight)
            && BackendWeight.IsValid(weight)))
        {
            return null;
        }

        var address = star < 0 ? part : part[..star];
        var colon = address.LastIndexOf(':');
        if (colon < 1
            || !int.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is < 1 or > 65535)
        {
            return null;
        }

        var host = address[..colon];
        var isBracketed = host is ['[', .., ']'];
        if (isBracketed)
        {
            host = host[1..^1];
        }

        return Uri.CheckHostName(host) switch
        {
            UriHostNameType.IPv6 when isBracketed => new BackendEndpoint(IPAddress.Parse(host).ToString(), port, weight),
            UriHostNameType.IPv4 or UriHostNameType.Dns when !isBracketed => new BackendEndpoint(host, port, weight),
            _ => null,
        };
    }
}
