namespace Kiro.SideBySide.Proxies;

/// <summary>All proxies, in the order of the tables.</summary>
internal static class AllProxies
{
    /// <summary>The reference for ratios.</summary>
    public const string Reference = "nginx";

    /// <param name="benchFolder">The folder bench/.</param>
    /// <param name="published">The folder to which bench/run publishes.</param>
    public static IReadOnlyList<Proxy> In(string benchFolder, string published) =>
    [
        new KiroProxy("kiro", "Kiro", published, forwarder: null),
        new KiroAotProxy(published),
        new KiroProxy("kiro-yarp", "Kiro, FORWARDER=yarp", published, forwarder: "yarp"),
        new BareYarpProxy(published),
        new NginxProxy(),
        new HaproxyProxy(),
        new CaddyProxy(),
        new NodeProxy(benchFolder),
    ];
}
