using System.Diagnostics;
using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A .NET proxy published by bench/run.</summary>
internal abstract class PublishedProxy(string name, string title, string folder, string assembly) : Proxy(name, title)
{
    // On a single core .NET waits ten times as long before it recompiles hot methods, 20 to 40 s in total. With this setting
    // the same is compiled, only sooner.
    private static readonly KeyValuePair<string, string> CompileSoon = new("DOTNET_TC_DelaySingleProcMultiplier", "1");

    public override bool CompilesWhileRunning => true;

    // ".NET Tiered Compilation Worker", as truncated by Linux.
    public override string? CompilerThread => ".NET Tiered Com";

    private string Assembly => Path.Combine(folder, assembly);

    public override string? Missing() =>
        File.Exists(Assembly) ? null : $"{Assembly} does not exist: bench/run publishes it";

    protected string VersionOf(string library) =>
        (FileVersionInfo.GetVersionInfo(Path.Combine(folder, library)).ProductVersion ?? "").Split('+')[0] + $" on .NET {Environment.Version}";

    protected Command Run(IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>> environment) =>
        new(Programs.Find("dotnet") ?? "dotnet", [Assembly, .. arguments]) { Environment = environment.Append(CompileSoon).ToDictionary() };
}

/// <summary>YARP's direct forwarding with nothing around it (bench/BareYarp).</summary>
internal sealed class BareYarpProxy(string published) : PublishedProxy("yarp", "bare YARP", Path.Combine(published, "yarp"), "BareYarp.dll")
{
    public override bool HasTls => false;

    public override string Version() => VersionOf("Yarp.ReverseProxy.dll");

    public override Command Prepare(ProxySite site) =>
        Run([$"{site.Port}", .. site.Backends.Select(port => $"http://127.0.0.1:{port}")], []);
}
