using System.Net;

namespace Kiro.SideBySide.Load;

/// <summary>What a load does.</summary>
/// <param name="Target">The proxy.</param>
/// <param name="Sources">The clients' own addresses, one a connection: connection i is opened from address i.</param>
/// <param name="Requests">What is sent.</param>
/// <param name="AnswerBody">Bytes that each answer must have.</param>
/// <param name="Rate">Requests a second, whatever the answers do; null for one request after the other on each connection.</param>
/// <param name="Settle">How long it runs before it counts.</param>
/// <param name="Window">How long it counts.</param>
internal sealed record LoadPlan(
    IPEndPoint Target,
    IReadOnlyList<IPAddress> Sources,
    RequestBytes Requests,
    int AnswerBody,
    int? Rate,
    TimeSpan Settle,
    TimeSpan Window)
{
    /// <summary>Clients that have asked once and keep their connections, one address each.</summary>
    public IReadOnlyList<IPAddress> Idle { get; init; } = [];

    /// <summary>Clients that read slowly, one address each.</summary>
    public IReadOnlyList<IPAddress> SlowReaders { get; init; } = [];

    /// <summary>What slow readers ask for.</summary>
    public ReadOnlyMemory<byte> SlowRequest { get; init; }
}
