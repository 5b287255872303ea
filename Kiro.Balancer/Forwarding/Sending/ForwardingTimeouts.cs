namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>
/// How long an exchange may stand still. These are backstops: a node that hangs is found by its probes. Ordinary
/// exchanges get 5 minutes (Envoy's idle timeout), upgraded connections and event streams an hour (HAProxy's tunnel).
/// </summary>
internal static class ForwardingTimeouts
{
    public static readonly TimeSpan Exchange = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Stream = TimeSpan.FromHours(1);

    /// <summary>Either <see cref="Exchange"/> or <see cref="Stream"/>.</summary>
    public static TimeSpan For(HttpRequest request) => request.Headers.Upgrade.Count > 0 || AsksForEvents(request) ? Stream : Exchange;

    private static bool AsksForEvents(HttpRequest request)
    {
        foreach (var accepted in request.Headers.Accept)
        {
            if (accepted is not null && accepted.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
