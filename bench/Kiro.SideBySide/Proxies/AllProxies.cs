namespace Kiro.SideBySide.Proxies;

/// <summary>All proxies, in the order of the tables.</summary>
internal static class AllProxies
{
    /// <summary>The reference for ratios.</summary>
    public const string Reference = "nginx";

    // The commit that bench/run --base has published beside the current one.
    private const string Base = "kiro-base";

    /// <summary>Whether the run also measures another commit.</summary>
    public static bool HasBase(string published) => Directory.Exists(Path.Combine(published, Base));

    /// <param name="benchFolder">The folder bench/.</param>
    /// <param name="published">The folder to which bench/run publishes.</param>
    public static IReadOnlyList<Proxy> In(string benchFolder, string published) =>
    [
        new KiroProxy("kiro", "Kiro", Path.Combine(published, "kiro")),
        .. HasBase(published) ? [new KiroProxy(Base, "Kiro, base", Path.Combine(published, Base))] : Array.Empty<Proxy>(),
        new KiroAotProxy(published),
        new KiroProxy("kiro-yarp", "Kiro, FORWARDER=yarp", Path.Combine(published, "kiro"), forwarder: "yarp"),
        new BareYarpProxy(published),
        new NginxProxy(),
        new HaproxyProxy(),
        new CaddyProxy(),
        new NodeProxy(benchFolder),
    ];
}
