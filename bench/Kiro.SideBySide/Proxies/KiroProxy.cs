using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Proxies;

/// <summary>The complete balancer as published for users; only the delay of JIT compilation is tuned.</summary>
/// <param name="name">For the command line.</param>
/// <param name="title">For tables and charts.</param>
/// <param name="folder">The folder to which bench/run published it.</param>
/// <param name="forwarder">FORWARDER, or null for the default.</param>
internal sealed class KiroProxy(string name, string title, string folder, string? forwarder = null)
    : PublishedProxy(name, title, folder, "Kiro.Balancer.dll")
{
    public override string Version() => VersionOf("Kiro.Balancer.dll");

    public override Command Prepare(ProxySite site)
    {
        var environment = Settings(site);
        if (forwarder is not null)
        {
            environment["FORWARDER"] = forwarder;
        }

        return Run([], environment);
    }

    /// <summary>Its settings.</summary>
    public static Dictionary<string, string> Settings(ProxySite site)
    {
        var settings = new Dictionary<string, string>
        {
            ["BALANCER_PORT"] = $"{site.Port}",
            ["BACKEND_HOSTS"] = string.Join(',', site.Backends.Select(port => $"127.0.0.1:{port}")),
        };
        if (site.Tls is { } tls)
        {
            settings["BALANCER_PORT"] = $"{FreePorts.Take(1)[0]}";
            settings["TLS_PORT"] = $"{site.Port}";
            settings["TLS_CERTIFICATE"] = tls.Certificate;
            settings["TLS_KEY"] = tls.Key;
        }

        if (site.NodeTls is { } nodes)
        {
            settings["BACKEND_HOSTS"] = string.Join(',', site.Backends.Select(port => $"https://127.0.0.1:{port}"));
            settings["BACKEND_CA"] = nodes.Certificate;
            settings["BACKEND_TLS_NAME"] = SiteCertificate.Host;
        }

        if (site.IsGrpc)
        {
            settings["BACKEND_PROTOCOL"] = "h2c";
        }

        return settings;
    }
}

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
