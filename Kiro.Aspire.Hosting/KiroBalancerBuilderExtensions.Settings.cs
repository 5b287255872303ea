using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <content>What is set most; any other setting is a variable of the balancer.</content>
public static partial class KiroBalancerBuilderExtensions
{
    /// <summary>Says where nodes tell how they are.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="path">Answered with 2xx by a node that is well; <c>/health</c> unless it is set.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithHealthPath(this IResourceBuilder<KiroBalancerResource> builder, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return builder.WithEnvironment("HEALTH_PATH", path);
    }

    /// <summary>Says whose <c>X-Forwarded-For</c> is believed; this machine's unless it is set.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="ranges">Addresses or CIDR ranges; with none of them nobody is believed.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithTrustedProxies(this IResourceBuilder<KiroBalancerResource> builder, params string[] ranges)
    {
        ArgumentNullException.ThrowIfNull(ranges);
        return builder.WithEnvironment("TRUSTED_PROXIES", ranges.Length == 0 ? "none" : string.Join(',', ranges));
    }

    /// <summary>Says what clients are told apart by when each is given its node.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="key"><c>ip</c>, as it is unless it is set; <c>cookie</c>, an id that the balancer hands out; or
    /// <c>header:NAME</c>, the value of a field.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">It is none of these.</exception>
    public static IResourceBuilder<KiroBalancerResource> WithStickyBy(this IResourceBuilder<KiroBalancerResource> builder, string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return key is "ip" or "cookie" || (key.StartsWith("header:", StringComparison.Ordinal) && key.Length > "header:".Length)
            ? builder.WithEnvironment("STICKY_BY", key)
            : throw new ArgumentException("Expected ip, cookie, or header: and the name of a field, such as header:X-User-Id.", nameof(key));
    }

    /// <summary>Lets sessions stay: a client remains with the node that served it, as long as that node can, until it has asked
    /// nothing for a while.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="idle">Up to a day; zero, as it is unless it is set, for not at all.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithSessionIdle(this IResourceBuilder<KiroBalancerResource> builder, TimeSpan idle)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (idle < TimeSpan.Zero || idle > TimeSpan.FromDays(1))
        {
            throw new ArgumentOutOfRangeException(nameof(idle), idle, "Expected a time from zero to a day.");
        }

        builder.Resource.KeepsSessions = idle > TimeSpan.Zero;
        return builder.WithEnvironment("SESSION_IDLE", idle.TotalSeconds.ToString(CultureInfo.InvariantCulture));
    }
}
