using Kiro.SideBySide.Backends;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Measuring;

internal static class Scenarios
{
    /// <summary>The scenario of the main goals.</summary>
    public const string Main = "small-get-64";

    public const string ManyConnections = "small-get-1024";

    public const string EqualLoad = "equal-load-64";

    public const string Megabyte = "get-1m-64";

    public const string Idle = "idle-9000";

    public const string AllCores = "all-cores-64";

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("small-get-1", "small GET, 1 connection", BackendFiles.SmallGet, 1, ClientIdentity.SourceAddress, false),
        new(Main, "small GET, 64 connections", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false),
        new(ManyConnections, "small GET, 1,024 connections", BackendFiles.SmallGet, 1024, ClientIdentity.SourceAddress, false),
        new("clients-64", "small GET, 64 connections, 2,000 clients in X-Forwarded-For", BackendFiles.SmallGet, 64, ClientIdentity.ForwardedFor, false),
        new("get-10k-64", "GET of 10 KB, 64 connections", BackendFiles.TenKilobytes, 64, ClientIdentity.SourceAddress, false),
        new(Megabyte, "GET of 1 MB, 64 connections", BackendFiles.Megabyte, 64, ClientIdentity.SourceAddress, false),
        new("post-10k-64", "POST of 10 KB, 64 connections", BackendFiles.Post, 64, ClientIdentity.SourceAddress, false),
        new("connect-64", "a connection for each small GET, 64 at a time", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false)
        {
            ConnectsEachTime = true,
        },
        new("slow-readers-64", "small GET, 64 connections, beside 64 slow readers of 1 MB", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false)
        {
            SlowReaders = 64,
        },
        new(Idle, "small GET, 16 connections, beside 9,000 idle ones", BackendFiles.SmallGet, 16, ClientIdentity.SourceAddress, false)
        {
            IdleConnections = 9_000,
        },
        new(AllCores, "small GET, 64 connections, on all cores", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false) { UsesAllCores = true },
        new("tls-handshakes-16", "a whole TLS handshake for each small GET, 16 at a time", BackendFiles.SmallGet, 16, ClientIdentity.SourceAddress, false)
        {
            Kind = LoadKind.NewHandshakes,
            ConnectsEachTime = true,
        },
        new("tls-resumed-16", "a resumed TLS session for each small GET, 16 at a time", BackendFiles.SmallGet, 16, ClientIdentity.SourceAddress, false)
        {
            Kind = LoadKind.ResumedHandshakes,
            ConnectsEachTime = true,
        },
        new("tls-get-64", "small GET over TLS, 64 connections", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false) { Kind = LoadKind.Tls },
        new("tls-nodes-64", "small GET, 64 connections, with TLS to the nodes", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false) { HasTlsNodes = true },
        new("http2-64", "small GET over TLS and HTTP/2, 64 streams", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false) { Kind = LoadKind.Http2 },
        new("grpc-64", "gRPC echo of 100 bytes over TLS, 64 streams", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, false) { Kind = LoadKind.Grpc },
        new(EqualLoad, "small GET, 64 connections, the same rate for all", BackendFiles.SmallGet, 64, ClientIdentity.SourceAddress, true),
    ];
}
