using System.Net;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The TCP port that a service listens on, and the variable that sets it.</summary>
/// <param name="Variable">Named in the message when the port is in use.</param>
/// <param name="Port">From 1 to 65535.</param>
public sealed record ListenPort(string Variable, int Port)
{
    /// <summary>The variable that names addresses of this machine; null when the service listens on all of them.</summary>
    public string? AddressVariable { get; init; }

    /// <summary>Whether it may ask trusted proxies for a header of the PROXY protocol.</summary>
    public bool MayTakeProxyHeaders { get; init; }

    /// <summary>The addresses of this machine that are listened on; with none all of them are, IPv4 and IPv6.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
}
