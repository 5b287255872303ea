using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A proxy from a system package.</summary>
internal abstract class InstalledProxy(string name, string title, string program, string package) : Proxy(name, title)
{
    protected string Program => Programs.Find(program) ?? throw new InvalidOperationException(Missing());

    public override string? Missing() =>
        Programs.Find(program) is null ? $"{program} is not installed: apt-get install --no-install-recommends {package}" : null;
}
