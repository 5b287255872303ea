using Kiro.SideBySide.Load;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

/// <summary>One kind of load.</summary>
/// <param name="Name">For the command line.</param>
/// <param name="Title">For tables and charts.</param>
/// <param name="Exchange">The request and its response.</param>
/// <param name="Connections">The number of concurrent connections.</param>
/// <param name="Clients">How clients are identified.</param>
/// <param name="IsPaced">Whether requests have a constant rate instead of being sent back to back.</param>
internal sealed record Scenario(
    string Name, string Title, Exchange Exchange, int Connections, ClientIdentity Clients, bool IsPaced)
{
    /// <summary>The protocol of the clients.</summary>
    public LoadKind Kind { get; init; }

    /// <summary>Whether the proxy connects to the nodes over TLS.</summary>
    public bool HasTlsNodes { get; init; }

    /// <summary>Whether every request uses a new connection.</summary>
    public bool ConnectsEachTime { get; init; }

    /// <summary>The number of additional idle connections, which have sent one request.</summary>
    public int IdleConnections { get; init; }

    /// <summary>The number of additional clients that read a megabyte slowly.</summary>
    public int SlowReaders { get; init; }

    /// <summary>Whether proxy, load generator and backends share all cores, with as many workers.</summary>
    public bool UsesAllCores { get; init; }
}

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
