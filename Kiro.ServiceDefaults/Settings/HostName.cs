using System.Net;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>Hosts as settings name them.</summary>
public static class HostName
{
    /// <summary>Whether everybody reads a host as the same one: it is a name, or an address as it is written usually. "010.1.1.1" is
    /// 10.1.1.1 to some and 8.1.1.1 to others, and "1" is 0.0.0.1.</summary>
    /// <param name="host">A name or an IPv4 address, without a port.</param>
    public static bool IsUnambiguous(string host) => !IPAddress.TryParse(host, out var address) || address.ToString() == host;
}
