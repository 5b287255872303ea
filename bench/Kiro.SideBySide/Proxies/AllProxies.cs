namespace Kiro.SideBySide.Proxies;

/// <summary>What is measured, in the order of the tables.</summary>
internal static class AllProxies
{
    /// <summary>What the others are compared with.</summary>
    public const string Reference = "nginx";

    /// <param name="benchFolder">bench/ of the repository.</param>
    /// <param name="published">Where bench/run puts what it publishes.</param>
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
