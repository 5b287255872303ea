using Kiro.ServiceDefaults.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Clients.ProxyProtocol;

/// <summary>
/// Who has to introduce its connections by a <see cref="ProxyHeader"/>: with <c>PROXY_PROTOCOL=on</c> every peer in
/// <c>TRUSTED_PROXIES</c>, and nobody else. Of anybody else such a header is no request and gets 400.
/// </summary>
internal sealed partial class ProxyHeaders(Reloadable<ClientOptions> options, ClientResolver clients, TimeProvider time, ILogger<ProxyHeaders> logger)
{
    /// <summary>For the whole header: it is the first thing that a proxy sends.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly bool _isOn = options.Value.TakesProxyHeaders;
    private readonly Burst _refusals = new(time);

    /// <summary>Whether anybody has to.</summary>
    public bool IsOn => _isOn;

    /// <summary>Connections that were closed because their header was broken, missing or late.</summary>
    public long Refused => _refusals.Count;

    /// <summary>Whether a peer has to introduce its connection.</summary>
    public bool AreDueFrom(ClientAddress peer) => _isOn && clients.IsTrusted(peer);

    /// <summary>Notes a connection that is closed because of its header.</summary>
    /// <param name="peer">The proxy.</param>
    public void Refuse(ClientAddress peer)
    {
        if (_refusals.Note() is > 0 and var count)
        {
            NotIntroduced(logger, count, peer);
        }
    }

    [LoggerMessage(56, LogLevel.Warning, "{Count} connections of trusted proxies were closed, the last from {Peer}: PROXY_PROTOCOL is on, and no valid header came first")]
    private static partial void NotIntroduced(ILogger logger, long count, ClientAddress peer);
}

/// <summary>The mark of a connection whose header was read, or which needs none.</summary>
internal sealed class Introduction
{
    private Introduction()
    {
    }

    public static Introduction Done { get; } = new();
}
