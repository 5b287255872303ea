using System.Net;

namespace Kiro.ServiceDefaults.Settings;

/// <summary>The TCP port that a service listens on, and the variable that sets it.</summary>
/// <param name="Variable">Used in the message if the port is in use.</param>
/// <param name="Port">From 1 to 65535.</param>
public sealed record ListenPort(string Variable, int Port)
{
    /// <summary>The variable with the listen addresses; null if the service listens on all.</summary>
    public string? AddressVariable { get; init; }

    /// <summary>Whether it supports PROXY protocol headers from trusted proxies.</summary>
    public bool MayTakeProxyHeaders { get; init; }

    /// <summary>The addresses to listen on; if empty all, IPv4 and IPv6.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];
}
