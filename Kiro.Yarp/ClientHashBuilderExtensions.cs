using Kiro.Yarp;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration.ClusterValidators;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds Kiro's mapping to YARP.</summary>
public static class ClientHashBuilderExtensions
{
    /// <summary>
    /// Adds the load-balancing policy <c>ClientHash</c>, for use as the <c>LoadBalancingPolicy</c> of clusters: every
    /// client has its own destination, and keeps it when others fail, return, are added or removed.
    /// </summary>
    /// <param name="builder">YARP's builder.</param>
    /// <param name="configure">Configures the options; by default clients are identified by address.</param>
    /// <returns>The same builder.</returns>
    public static IReverseProxyBuilder AddClientHash(this IReverseProxyBuilder builder, Action<ClientHashOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        var options = services.AddOptions<ClientHashOptions>().ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ClientHashOptions>, ClientHashOptionsValidator>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IClusterValidator, ClientHashValidator>());
        services.TryAddSingleton<ClientHashPolicy>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<ILoadBalancingPolicy, ClientHashPolicy>(Policy));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IClusterChangeListener, ClientHashPolicy>(Policy));
        return builder;

        static ClientHashPolicy Policy(IServiceProvider provider) => provider.GetRequiredService<ClientHashPolicy>();
    }

    /// <summary>Adds the policy with options from configuration.</summary>
    /// <param name="builder">YARP's builder.</param>
    /// <param name="configuration">A section that is bound to <see cref="ClientHashOptions"/>. It is read once, at startup.</param>
    /// <returns>The same builder.</returns>
    public static IReverseProxyBuilder AddClientHash(this IReverseProxyBuilder builder, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return builder.AddClientHash(options => configuration.Bind(options));
    }
}
