using Kiro.Balancer.Forwarding.Sending;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding;

/// <summary>How requests are forwarded.</summary>
/// <param name="Path"><c>FORWARDER</c>: <c>loop</c> (default on Linux), <c>lean</c> (default elsewhere) or <c>yarp</c>.</param>
/// <param name="Timeouts"><c>CONNECT_TIMEOUT</c>, <c>EXCHANGE_TIMEOUT</c>.</param>
/// <param name="BackendConnections"><c>BACKEND_CONNECTIONS</c>: maximum number of concurrent requests, and thus connections, per backend, 0 to 100000;
/// 0, the default, is unlimited. Excess requests are queued.</param>
internal sealed record ForwardingOptions(ForwardingPath Path, ForwardingTimeouts Timeouts, int BackendConnections = 0)
{
    private const string Variable = "FORWARDER";

    public static ForwardingOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, OperatingSystem.IsLinux() ? "loop" : "lean");
        ForwardingPath? path = text switch
        {
            "loop" => ForwardingPath.Loop,
            "lean" => ForwardingPath.Lean,
            "yarp" => ForwardingPath.Yarp,
            _ => null,
        };
        if (path is null)
        {
            settings.Reject(Variable, text, "loop, lean or yarp");
        }

        return new ForwardingOptions(
            path ?? ForwardingPath.Lean,
            ForwardingTimeouts.Read(settings),
            settings.WholeNumber("BACKEND_CONNECTIONS", 0, 0, 100_000));
    }
}

/// <summary>How a request is forwarded.</summary>
internal enum ForwardingPath
{
    /// <summary>HTTP/1 on the event loops of Front, where epoll is available; everything else as <see cref="Lean"/>.</summary>
    Loop,

    /// <summary>HTTP/1.x without upgrades directly over sockets; everything else as <see cref="Yarp"/>.</summary>
    Lean,

    /// <summary>Everything with YARP and HttpClient.</summary>
    Yarp,
}
