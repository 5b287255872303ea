namespace Kiro.Balancer.Discovery;

/// <summary>Where the nodes come from; the first that is set applies.</summary>
internal enum DiscoveryMode
{
    /// <summary><c>services__api__http__0…</c>, as .NET Aspire sets them.</summary>
    ServiceDiscovery,

    /// <summary>Every address behind <c>BACKEND_DNS</c>.</summary>
    Dns,

    /// <summary>The list in <c>BACKEND_FILE</c>.</summary>
    File,

    /// <summary>The list <c>BACKEND_HOSTS</c>.</summary>
    Hosts,

    /// <summary>Ports in a row on this machine.</summary>
    Local,
}
