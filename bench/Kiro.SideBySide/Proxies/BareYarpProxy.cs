using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>YARP's direct forwarding with nothing around it (bench/BareYarp).</summary>
internal sealed class BareYarpProxy(string published) : PublishedProxy("yarp", "bare YARP", Path.Combine(published, "yarp"), "BareYarp.dll")
{
    public override bool HasTls => false;

    public override string Version() => VersionOf("Yarp.ReverseProxy.dll");

    public override Command Prepare(ProxySite site) =>
        Run([$"{site.Port}", .. site.Backends.Select(port => $"http://127.0.0.1:{port}")], []);
}
