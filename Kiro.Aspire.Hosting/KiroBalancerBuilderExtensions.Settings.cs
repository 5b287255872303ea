using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <content>The most common settings; any other can be set as a variable of the balancer.</content>
public static partial class KiroBalancerBuilderExtensions
{
    /// <summary>Sets the path of health probes.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="path">The path for which a healthy node returns 2xx; <c>/health</c> by default.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithHealthPath(this IResourceBuilder<KiroBalancerResource> builder, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return builder.WithEnvironment("HEALTH_PATH", path);
    }

    /// <summary>Sets the proxies whose <c>X-Forwarded-For</c> is trusted; by default this machine.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="ranges">Addresses or CIDR ranges; none to trust no one.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithTrustedProxies(this IResourceBuilder<KiroBalancerResource> builder, params string[] ranges)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        return builder.WithEnvironment("TRUSTED_PROXIES", ranges.Length == 0 ? "none" : string.Join(',', ranges));
    }

    /// <summary>Sets how clients are identified.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="key"><c>ip</c> (the default); <c>cookie</c>, an id set by the balancer; or <c>header:NAME</c>, the value of a
    /// header field.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The key is none of these.</exception>
    public static IResourceBuilder<KiroBalancerResource> WithStickyBy(this IResourceBuilder<KiroBalancerResource> builder, string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return key is "ip" or "cookie" || (key.StartsWith("header:", StringComparison.Ordinal) && key.Length > "header:".Length)
            ? builder.WithEnvironment("STICKY_BY", key)
            : throw new ArgumentException("Expected ip, cookie, or header:NAME, such as header:X-User-Id.", nameof(key));
    }

    /// <summary>Enables session affinity: a client stays on the node that served it, as long as that node can serve, until the
    /// client has been idle for a while.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="idle">Up to a day; zero, the default, disables it.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithSessionIdle(this IResourceBuilder<KiroBalancerResource> builder, TimeSpan idle)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (idle < TimeSpan.Zero || idle > TimeSpan.FromDays(1))
        {
            throw new ArgumentOutOfRangeException(nameof(idle), idle, "Expected a time span from zero to one day.");
        }

        builder.Resource.KeepsSessions = idle > TimeSpan.Zero;
        return builder.WithEnvironment("SESSION_IDLE", idle.TotalSeconds.ToString(CultureInfo.InvariantCulture));
    }
}
