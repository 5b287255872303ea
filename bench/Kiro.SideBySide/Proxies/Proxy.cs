using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>A proxy that is measured.</summary>
/// <param name="name">For the command line.</param>
/// <param name="title">For tables and charts.</param>
internal abstract class Proxy(string name, string title)
{
    public string Name { get; } = name;

    public string Title { get; } = title;

    /// <summary>Whether its requests get cheaper for a while, for it compiles what runs often.</summary>
    public virtual bool CompilesWhileRunning => false;

    /// <summary>The name of the thread on which it does so; null when it cannot be told from others.</summary>
    public virtual string? CompilerThread => null;

    /// <summary>Whether it is set up here for TLS and HTTP/2, beside plain HTTP/1.1.</summary>
    public virtual bool HasTls => true;

    /// <summary>Why it cannot be measured here and what would help, or null when it can.</summary>
    public abstract string? Missing();

    /// <summary>Its version, and what runs it.</summary>
    public abstract string Version();

    /// <summary>Writes its configuration and says how it is started.</summary>
    public abstract Command Prepare(ProxySite site);
}
