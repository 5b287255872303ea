using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Listening;

/// <summary>Whether, and on how many threads, HTTP/1 is forwarded by event loops.</summary>
/// <param name="IsOn">Whether <c>FORWARDER</c> enables them and the system supports epoll.</param>
/// <param name="Loops"><c>FRONT_LOOPS</c>: 1 to 256 for each port; by default the number of processors.</param>
/// <param name="HasPlain">Whether they serve the plain port: not when it only redirects to HTTPS.</param>
/// <param name="TlsPort">Their TLS port; null for none.</param>
/// <param name="DisabledReason">Why they are disabled although requested; null when they are on, or not requested.</param>
internal sealed record FrontOptions(bool IsOn, int Loops, bool HasPlain, int? TlsPort, string? DisabledReason = null)
{
    public static FrontOptions Read(
        SettingsReader settings, ForwardingOptions forwarding, TlsOptions tls, BackendTransportOptions transport)
    {
        var isRequested = forwarding.Path == ForwardingPath.Loop;
        if (isRequested && !IsSupported)
        {
            settings.Warn("FORWARDER=loop needs Linux: on this system requests are forwarded through Kestrel, as with lean.");
        }

        var isPossible = isRequested && IsSupported;
        var reason = !isPossible ? null
            : transport.IsHttp2 ? "backends use HTTP/2 (BACKEND_PROTOCOL)"
            : null;
        return new FrontOptions(
            isPossible && reason is null, settings.WholeNumber("FRONT_LOOPS", Environment.ProcessorCount, 1, 256),
            HasPlain: tls.RedirectPort is null, tls.Port, reason);
    }

    /// <summary>Whether the system has epoll.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();
}
