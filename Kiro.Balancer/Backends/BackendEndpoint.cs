using System.Net;

namespace Kiro.Balancer.Backends;

/// <summary>Where a node is, as discovery found it.</summary>
/// <param name="Host">A host name or an address, IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Weight">Its share relative to the others, above 0.</param>
internal sealed record BackendEndpoint(string Host, int Port, double Weight = 1)
{
    /// <summary>What is hashed: <c>host:port</c> in lower case. It must never depend on the order of a list.</summary>
    public string Id { get; } = $"{Bracketed(Host).ToLowerInvariant()}:{Port}";

    /// <summary>Host and port as they stand in a URL.</summary>
    public string Authority => $"{Bracketed(Host)}:{Port}";

    private static string Bracketed(string host) =>
        host.Contains(':') && IPAddress.TryParse(host, out _) ? $"[{host}]" : host;
}
