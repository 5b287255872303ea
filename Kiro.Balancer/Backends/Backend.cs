using System.Net;

namespace Kiro.Balancer.Backends;

/// <summary>
/// A backend's identity, from its discovery to its removal. Immutable: <see cref="KnownBackend"/> has its state, and
/// <see cref="BackendRuntime"/> its counters and signals. A backend that is removed and discovered again is a new one, so compare by
/// reference.
/// </summary>
internal sealed class Backend(string host, int port, bool isTls = false)
{
    /// <summary>Stable and unique; this is what is hashed: <c>host:port</c> in lower case, IPv6 in brackets.</summary>
    public string Id { get; } = IdOf(host, port);

    /// <summary>A host name or an address, IPv6 without brackets.</summary>
    public string Host { get; } = host;

    /// <summary>From 1 to 65535.</summary>
    public int Port { get; } = port;

    /// <summary>Host and port as in a URL.</summary>
    public string Authority { get; } = AuthorityOf(host, port);

    public bool IsTls { get; } = isTls;

    /// <summary>The URL prefix for HttpClient; <c>http</c> even with TLS, which the connection callback adds.</summary>
    public string UrlPrefix { get; } = "http://" + AuthorityOf(host, port);

    public override string ToString() => Id;

    internal static string IdOf(string host, int port) => $"{Bracketed(host).ToLowerInvariant()}:{port}";

    private static string AuthorityOf(string host, int port) => $"{Bracketed(host)}:{port}";

    private static string Bracketed(string host) =>
        host.Contains(':') && IPAddress.TryParse(host, out _) ? $"[{host}]" : host;
}

/// <summary>A backend as discovery found it.</summary>
/// <param name="Host">A host name or an address, IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Weight">Relative to the others, above 0.</param>
/// <param name="IsTls">Whether connections to it use TLS.</param>
internal sealed record BackendEndpoint(string Host, int Port, double Weight = 1, bool IsTls = false)
{
    /// <summary>See <see cref="Backend.Id"/>. It must not depend on the order of a list, nor on TLS: a backend that switches to TLS keeps
    /// its clients.</summary>
    public string Id { get; } = Backend.IdOf(Host, Port);
}

/// <summary>The range of weights.</summary>
internal static class BackendWeight
{
    public const double Min = 0.01;
    public const double Max = 1000;

    /// <summary>For error messages.</summary>
    public const string Allowed = "a number from 0.01 to 1000";

    public static bool IsValid(double weight) => weight is >= Min and <= Max;
}
