namespace Kiro.Balancer.Backends;

/// <summary>What nodes are spoken to with.</summary>
internal enum BackendProtocol
{
    /// <summary>HTTP/1.1.</summary>
    Http1,

    /// <summary>HTTP/2: with prior knowledge to plain nodes, by ALPN to those over TLS.</summary>
    Http2,
}
