using System.Net;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Host names in settings.</summary>
public static class HostName
{
    /// <summary>Whether a host is a name or a canonical address. "010.1.1.1" is 10.1.1.1 to some parsers and 8.1.1.1 to others,
    /// and "1" is 0.0.0.1.</summary>
    /// <param name="host">A name or an IPv4 address, without a port.</param>
    public static bool IsUnambiguous(string host) => !IPAddress.TryParse(host, out var address) || address.ToString() == host;
}
