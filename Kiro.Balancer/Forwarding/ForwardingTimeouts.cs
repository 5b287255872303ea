using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding;

/// <summary>
/// How long an exchange may stand still. These are backstops: a node that hangs is found by its probes. Ordinary
/// exchanges get 5 minutes (Envoy's idle timeout), upgraded connections and event streams an hour (HAProxy's tunnel).
/// </summary>
internal static class ForwardingTimeouts
{
    private static readonly ForwarderRequestConfig Exchange = Idle(TimeSpan.FromMinutes(5));
    private static readonly ForwarderRequestConfig Stream = Idle(TimeSpan.FromHours(1));

    public static ForwarderRequestConfig For(HttpRequest request) =>
        request.Headers.Upgrade.Count > 0 || request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) ? Stream : Exchange;

    private static ForwarderRequestConfig Idle(TimeSpan timeout) => new()
    {
        ActivityTimeout = timeout,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}
