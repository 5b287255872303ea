using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A simple proxy using Node's built-in modules (bench/NodeProxy).</summary>
internal sealed class NodeProxy(string benchFolder) : InstalledProxy("node", "Node", "node", "nodejs")
{
    public override bool CompilesWhileRunning => true;

    public override bool HasTls => false;

    public override string Version() => Programs.FirstLine(Program, "--version").TrimStart('v');

    public override Command Prepare(ProxySite site) =>
        new(Program, [Path.Combine(benchFolder, "NodeProxy", "proxy.js"), $"{site.Port}", .. site.Backends.Select(port => $"{port}")]);
}
