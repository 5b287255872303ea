using System.Net;

namespace Kiro.SideBySide.Load;

/// <summary>The plan of a load.</summary>
/// <param name="Target">The proxy.</param>
/// <param name="Sources">The source addresses, one per connection.</param>
/// <param name="Requests">The requests.</param>
/// <param name="ResponseBody">The expected length of each response body.</param>
/// <param name="Rate">A constant rate in requests per second; null for back-to-back requests on each connection.</param>
/// <param name="Settle">The time before the measurement.</param>
/// <param name="Window">The duration of the measurement.</param>
internal sealed record LoadPlan(
    IPEndPoint Target,
    IReadOnlyList<IPAddress> Sources,
    RequestBytes Requests,
    int ResponseBody,
    int? Rate,
    TimeSpan Settle,
    TimeSpan Window)
{
    /// <summary>The source addresses of idle connections, which have sent one request.</summary>
    public IReadOnlyList<IPAddress> Idle { get; init; } = [];

    /// <summary>The source addresses of slow readers.</summary>
    public IReadOnlyList<IPAddress> SlowReaders { get; init; } = [];

    /// <summary>The request of slow readers.</summary>
    public ReadOnlyMemory<byte> SlowRequest { get; init; }
}
