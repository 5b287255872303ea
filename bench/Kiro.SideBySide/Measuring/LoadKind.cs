namespace Kiro.SideBySide.Measuring;

/// <summary>What clients speak.</summary>
internal enum LoadKind
{
    /// <summary>HTTP/1.1.</summary>
    Plain,

    /// <summary>HTTP/1.1 over TLS, on kept connections.</summary>
    Tls,

    /// <summary>The same, and every request has a connection and a whole handshake.</summary>
    NewHandshakes,

    /// <summary>The same, and every connection resumes a session.</summary>
    ResumedHandshakes,

    /// <summary>Streams of HTTP/2 over TLS, on one connection.</summary>
    Http2,

    /// <summary>Calls of gRPC, in the same way; nodes are spoken to with HTTP/2, too.</summary>
    Grpc,
}
