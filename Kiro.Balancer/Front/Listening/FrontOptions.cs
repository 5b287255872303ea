using Kiro.Balancer.Backends;
using Kiro.Balancer.Discovery;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Listening;

/// <summary>Whether, and on how many threads, HTTP/1 is forwarded by event loops.</summary>
/// <param name="IsOn">Wanted by <c>FORWARDER</c>, and the system has epoll.</param>
/// <param name="Loops"><c>FRONT_LOOPS</c>: 1 to 256 for each port; by default the processors that the process may use.</param>
/// <param name="HasPlain">Whether they take the plain port: not where it only sends everybody to HTTPS.</param>
/// <param name="TlsPort">Where they take TLS; null when nobody does.</param>
/// <param name="OffBecause">Why they are off although they are wanted; null when they are on, or not wanted.</param>
internal sealed record FrontOptions(bool IsOn, int Loops, bool HasPlain, int? TlsPort, string? OffBecause = null)
{
    /// <param name="settings">Where its own are.</param>
    /// <param name="forwarding">Whether it is wanted.</param>
    /// <param name="tls">The port for TLS, and whether everybody is sent there.</param>
    /// <param name="transport">How nodes are spoken to.</param>
    /// <param name="discovery">Whether nodes are spoken to over TLS, as far as that is known before they are found. Where it shows
    /// later, clients are handed over one by one.</param>
    public static FrontOptions Read(
        SettingsReader settings, ForwardingOptions forwarding, TlsOptions tls, BackendTransportOptions transport, DiscoveryOptions discovery)
    {
        var isWanted = forwarding.Path == ForwardingPath.Loop;
        if (isWanted && !IsSupported)
        {
            settings.Warn("FORWARDER=loop needs Linux: here requests are forwarded behind Kestrel, as with lean.");
        }

        var isPossible = isWanted && IsSupported;
        var because = !isPossible ? null
            : transport.IsHttp2 ? "nodes are spoken to with HTTP/2 (BACKEND_PROTOCOL)"
            : discovery.HasTls ? "nodes are spoken to over TLS"
            : null;
        return new FrontOptions(
            isPossible && because is null, settings.WholeNumber("FRONT_LOOPS", Environment.ProcessorCount, 1, 256), HasPlain: tls.RedirectPort is null, tls.Port, because);
    }

    /// <summary>Whether the system has epoll.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();
}
