using System.Diagnostics;
using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A proxy of this repository, as bench/run has published it.</summary>
internal abstract class PublishedProxy(string name, string title, string folder, string assembly) : Proxy(name, title)
{
    // With one core .NET waits ten times as long before it compiles again what runs often: 20 to 40 s until all is done.
    // What it compiles is the same, only sooner.
    private static readonly KeyValuePair<string, string> CompileSoon = new("DOTNET_TC_DelaySingleProcMultiplier", "1");

    public override bool CompilesWhileRunning => true;

    // ".NET Tiered Compilation Worker", as Linux keeps it.
    public override string? CompilerThread => ".NET Tiered Com";

    private string Assembly => Path.Combine(folder, assembly);

    public override string? Missing() =>
        File.Exists(Assembly) ? null : $"{Assembly} is not there: bench/run publishes it";

    protected string VersionOf(string library) =>
        (FileVersionInfo.GetVersionInfo(Path.Combine(folder, library)).ProductVersion ?? "").Split('+')[0] + $" on .NET {Environment.Version}";

    protected Command Run(IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>> environment) =>
        new(Programs.Find("dotnet") ?? "dotnet", [Assembly, .. arguments]) { Environment = environment.Append(CompileSoon).ToDictionary() };
}
