namespace Kiro.SideBySide.Measuring;

/// <summary>The protocol of the clients.</summary>
internal enum LoadKind
{
    /// <summary>HTTP/1.1.</summary>
    Plain,

    /// <summary>HTTP/1.1 over TLS, on keep-alive connections.</summary>
    Tls,

    /// <summary>The same with a new connection and a full handshake per request.</summary>
    NewHandshakes,

    /// <summary>The same with a new connection and a resumed session per request.</summary>
    ResumedHandshakes,

    /// <summary>HTTP/2 streams over TLS, on one connection.</summary>
    Http2,

    /// <summary>gRPC calls in the same way, with HTTP/2 to the nodes.</summary>
    Grpc,
}
