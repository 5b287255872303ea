using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A proxy under test.</summary>
/// <param name="name">For the command line.</param>
/// <param name="title">For tables and charts.</param>
internal abstract class Proxy(string name, string title)
{
    public string Name { get; } = name;

    public string Title { get; } = title;

    /// <summary>Whether it uses JIT compilation, so that requests become cheaper for a while.</summary>
    public virtual bool CompilesWhileRunning => false;

    /// <summary>The name of its compiler thread; null if unknown.</summary>
    public virtual string? CompilerThread => null;

    /// <summary>Whether it is configured here for TLS and HTTP/2.</summary>
    public virtual bool HasTls => true;

    /// <summary>Why it cannot be measured here and how to fix that, or null if it can.</summary>
    public abstract string? Missing();

    /// <summary>Its version, and that of its runtime.</summary>
    public abstract string Version();

    /// <summary>Writes its configuration and returns its command line.</summary>
    public abstract Command Prepare(ProxySite site);
}

/// <summary>A proxy from a system package.</summary>
internal abstract class InstalledProxy(string name, string title, string program, string package) : Proxy(name, title)
{
    protected string Program => Programs.Find(program) ?? throw new InvalidOperationException(Missing());

    public override string? Missing() =>
        Programs.Find(program) is null ? $"{program} is not installed: apt-get install --no-install-recommends {package}" : null;
}
