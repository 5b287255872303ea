using System.Net;

namespace Kiro.Balancer.Backends;

/// <summary>
/// What a node is, from when discovery first names it until it is forgotten. It never changes: what is known of it is in
/// <see cref="KnownBackend"/>, what runs for it in <see cref="BackendRuntime"/>. A node that is forgotten and named again
/// is another one, so compare by reference.
/// </summary>
internal sealed class Backend(string host, int port, bool isTls = false)
{
    /// <summary>Stable, unique among the known ones, and what is hashed: <c>host:port</c> in lower case, IPv6 in brackets.</summary>
    public string Id { get; } = IdOf(host, port);

    /// <summary>A host name or an address, IPv6 without brackets.</summary>
    public string Host { get; } = host;

    /// <summary>From 1 to 65535.</summary>
    public int Port { get; } = port;

    /// <summary>Host and port as they stand in a URL.</summary>
    public string Authority { get; } = AuthorityOf(host, port);

    /// <summary>Whether it is spoken to over TLS.</summary>
    public bool IsTls { get; } = isTls;

    /// <summary>What a request's URL starts with for HttpClient, which knows nothing of TLS: that is a matter of the connection
    /// below it.</summary>
    public string UrlPrefix { get; } = "http://" + AuthorityOf(host, port);

    public override string ToString() => Id;

    internal static string IdOf(string host, int port) => $"{Bracketed(host).ToLowerInvariant()}:{port}";

    private static string AuthorityOf(string host, int port) => $"{Bracketed(host)}:{port}";

    private static string Bracketed(string host) =>
        host.Contains(':') && IPAddress.TryParse(host, out _) ? $"[{host}]" : host;
}

/// <summary>Where a node is, as discovery found it.</summary>
/// <param name="Host">A host name or an address, IPv6 without brackets.</param>
/// <param name="Port">From 1 to 65535.</param>
/// <param name="Weight">Its share relative to the others, above 0.</param>
/// <param name="IsTls">Whether it is spoken to over TLS.</param>
internal sealed record BackendEndpoint(string Host, int Port, double Weight = 1, bool IsTls = false)
{
    /// <summary>What is hashed; see <see cref="Backend.Id"/>. It must never depend on the order of a list, nor on TLS: a node
    /// that begins to speak it keeps its clients.</summary>
    public string Id { get; } = Backend.IdOf(Host, Port);
}

/// <summary>Which weights a node can have.</summary>
internal static class BackendWeight
{
    public const double Min = 0.01;
    public const double Max = 1000;

    /// <summary>The same in words.</summary>
    public const string Allowed = "a number from 0.01 to 1000";

    public static bool IsValid(double weight) => weight is >= Min and <= Max;
}
