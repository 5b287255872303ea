using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding.Sending;

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
