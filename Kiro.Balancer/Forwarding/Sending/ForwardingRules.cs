using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>What is the same for every request that is forwarded.</summary>
/// <param name="Mark">Left on it, to know it when it comes back.</param>
/// <param name="InForce">How long nodes may take.</param>
/// <param name="ClientHeader">By which field a trusted peer tells who the client is.</param>
/// <param name="Cookie">The balancer's own, which nodes neither get nor set; null when there is none.</param>
/// <param name="AddsForwarded"><c>FORWARDED</c>.</param>
internal sealed record ForwardingRules(HopMark Mark, Reloadable<ForwardingTimeouts> InForce, ClientHeader ClientHeader, StickyCookie? Cookie = null, bool AddsForwarded = false)
{
    /// <summary>How long nodes may take, at this moment.</summary>
    public ForwardingTimeouts Timeouts => InForce.Value;

    /// <summary>Whether nodes are told by <c>Forwarded</c> (RFC 7239), too, when no proxy before did so.</summary>
    public bool WritesForwarded { get; } = AddsForwarded || ClientHeader.Form == ClientHeaderForm.Forwarded;

    /// <summary>Whether a field of a request must not reach the node.</summary>
    public bool IsDropped(string name, bool peerIsTrusted) =>
        ForwardedClaims.IsDropped(name, peerIsTrusted)
        || (ClientHeader.Form == ClientHeaderForm.OneAddress && name.Length == ClientHeader.Name.Length && IsClaimOfClient(name, peerIsTrusted));

    // Some nodes take an underscore for a hyphen. Whoever is trusted writes the name as it is set.
    private bool IsClaimOfClient(string name, bool peerIsTrusted) =>
        name.Equals(ClientHeader.Name, StringComparison.OrdinalIgnoreCase) ? !peerIsTrusted
        : name.Replace('_', '-').Equals(ClientHeader.Name.Replace('_', '-'), StringComparison.OrdinalIgnoreCase);
}

/// <summary>How long nodes may take. These are backstops: a node that hangs is found by its probes.</summary>
/// <param name="Connect"><c>CONNECT_TIMEOUT</c>: until a node has accepted a connection, 0.1 to 300 s, default 2 s: nodes are
/// near, and one that has not accepted by then is as good as gone.</param>
/// <param name="Exchange"><c>EXCHANGE_TIMEOUT</c>: for how long an exchange may stand still, 1 s to a day, default 5 min
/// (Envoy's idle timeout).</param>
internal sealed record ForwardingTimeouts(TimeSpan Connect, TimeSpan Exchange)
{
    /// <summary>A node that does not know "100-continue" gets the body after this time (RFC 9110, section 10.1.1).</summary>
    public static readonly TimeSpan Continue = TimeSpan.FromSeconds(1);

    /// <summary>For upgraded connections and event streams, unless exchanges may stand still for longer (HAProxy's tunnel).</summary>
    private static readonly TimeSpan MinStream = TimeSpan.FromHours(1);

    public static ForwardingTimeouts Default { get; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(5));

    /// <summary>For how long an upgraded connection or an event stream may stand still.</summary>
    public TimeSpan Stream => Exchange > MinStream ? Exchange : MinStream;

    public static ForwardingTimeouts Read(SettingsReader settings) => new(
        settings.Seconds("CONNECT_TIMEOUT", Default.Connect.TotalSeconds, 0.1, 300),
        settings.Seconds("EXCHANGE_TIMEOUT", Default.Exchange.TotalSeconds, 1, 86_400));
}
