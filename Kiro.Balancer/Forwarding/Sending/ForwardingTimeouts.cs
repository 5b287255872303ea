namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>
/// How long an exchange may stand still. These are backstops: a node that hangs is found by its probes. Ordinary
/// exchanges get 5 minutes (Envoy's idle timeout), upgraded connections and event streams an hour (HAProxy's tunnel).
/// </summary>
internal static class ForwardingTimeouts
{
    public static readonly TimeSpan Exchange = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Stream = TimeSpan.FromHours(1);
}
