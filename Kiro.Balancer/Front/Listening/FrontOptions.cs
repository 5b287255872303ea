using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Listening.Tls;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Front.Listening;

/// <summary>Whether, and on how many threads, plain HTTP/1 is forwarded by event loops.</summary>
/// <param name="IsOn">Wanted by <c>FORWARDER</c>, and the system has epoll.</param>
/// <param name="Loops"><c>FRONT_LOOPS</c>: 1 to 256; by default the processors that the process may use.</param>
internal sealed record FrontOptions(bool IsOn, int Loops)
{
    public static FrontOptions Read(SettingsReader settings, ForwardingOptions forwarding, TlsOptions tls)
    {
        var isWanted = forwarding.Path == ForwardingPath.Loop;
        if (isWanted && !IsSupported)
        {
            settings.Warn("FORWARDER=loop needs Linux: here requests are forwarded behind Kestrel, as with lean.");
        }

        // Who sends everybody to HTTPS forwards nothing here.
        return new FrontOptions(isWanted && IsSupported && tls.RedirectPort is null, settings.WholeNumber("FRONT_LOOPS", Environment.ProcessorCount, 1, 256));
    }

    /// <summary>Whether the system has epoll.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();
}
