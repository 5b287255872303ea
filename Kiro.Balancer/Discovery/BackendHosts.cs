using System.Net;
using Kiro.Balancer.Backends;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Discovery;

/// <summary>The list <c>BACKEND_HOSTS</c>: <c>host:port,host:port*weight,[2001:db8::1]:13004,https://host:port</c>.</summary>
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
            if (BackendAddress.Parse(part) is not { } endpoint)
            {
                settings.Reject(Variable, text, $"{BackendAddress.Expected}, separated by commas; {part} is not");
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
}
