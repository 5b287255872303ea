using System.Diagnostics;
using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A proxy of this repository, as bench/run has published it.</summary>
internal abstract class PublishedProxy(string name, string title, string folder, string assembly) : Proxy(name, title)
{
    protected string Assembly => Path.Combine(folder, assembly);

    public override string? Missing() =>
        File.Exists(Assembly) ? null : $"{Assembly} is not there: bench/run publishes it";

    protected string VersionOf(string library) =>
        (FileVersionInfo.GetVersionInfo(Path.Combine(folder, library)).ProductVersion ?? "").Split('+')[0] + $" on .NET {Environment.Version}";

    protected static string DotNet() => Programs.Find("dotnet") ?? "dotnet";
}
