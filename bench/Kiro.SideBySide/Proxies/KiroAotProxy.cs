using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>Kiro compiled with Native AOT, as in its image.</summary>
/// <param name="published">The folder to which bench/run publishes.</param>
internal sealed class KiroAotProxy(string published) : Proxy("kiro-aot", "Kiro, Native AOT")
{
    private readonly string _program = Path.Combine(published, "kiro-aot", "Kiro.Balancer");

    public override string? Missing() =>
        File.Exists(_program) ? null : "it was not published: that needs clang and zlib1g-dev";

    public override string Version() => "Native AOT";

    public override Command Prepare(ProxySite site) => new(_program) { Environment = KiroProxy.Settings(site) };
}
