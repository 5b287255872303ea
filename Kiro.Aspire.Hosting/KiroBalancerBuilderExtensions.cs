using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kiro;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Adds Kiro balancers to an application model.</summary>
public static class KiroBalancerBuilderExtensions
{
    private const int PublishedPort = 13003;
    private const string Image = "kiro-balancer";

    /// <summary>
    /// Adds a balancer: one address in front of replicated nodes, which gives every client its own node. Add nodes with
    /// <see cref="WithNodes{T}"/>. It runs as a process included in this package, and is published as a container.
    /// </summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="port">The port for clients, without Aspire's proxy, which would hide their addresses. By default any free port in
    /// run mode, and 13003 when published.</param>
    /// <param name="adminToken">The token for admin actions: drain, resume, weight. By default it is generated.</param>
    /// <returns>The balancer's builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> AddKiroBalancer(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        int? port = null,
        IResourceBuilder<ParameterResource>? adminToken = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);

        var token = adminToken?.Resource ?? ParameterResourceBuilderExtensions.CreateGeneratedParameter(
            builder, $"{name}-admin-token", secret: true, new GenerateParameterDefault { MinLength = 32, Special = false });
        var isRun = builder.ExecutionContext.IsRunMode;
        var resource = new KiroBalancerResource(name, isRun ? Directory.CreateTempSubdirectory("kiro-").FullName : ".", token);
        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            resource.ThrowIfIncomplete();
            return Task.CompletedTask;
        });
        var balancer = builder.AddResource(resource)
            .WithEnvironment("ADMIN_TOKEN", token)
            .WithOtlpExporter();
        return (isRun ? balancer.AsProcess(port ?? BalancerProgram.FreePort()) : balancer.AsContainer(port ?? PublishedPort))
            .WithHttpHealthCheck("/health");
    }

    /// <summary>
    /// Balances over a resource. In run mode each of its replicas is a node, with its current port and without
    /// Aspire's proxy; changes of the replicas are applied to the running balancer. When published, every
    /// address of the resource's name is a node, so in Kubernetes it needs a headless service.
    /// </summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="nodes">A project, an executable or a container with an HTTP endpoint. Can be called for several resources.</param>
    /// <param name="weight">The share of each replica relative to other nodes, from 0.01 to 1000.</param>
    /// <param name="endpointName">The name of the endpoint, which must exist and use plain HTTP.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="DistributedApplicationException">The balancer already has these nodes.</exception>
    public static IResourceBuilder<KiroBalancerResource> WithNodes<T>(
        this IResourceBuilder<KiroBalancerResource> builder, IResourceBuilder<T> nodes, double weight = 1, string endpointName = "http")
        where T : IResourceWithEndpoints, IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(nodes);
        if (weight is not (>= 0.01 and <= 1000))
        {
            throw new ArgumentOutOfRangeException(nameof(weight), weight, "Expected a number from 0.01 to 1000.");
        }

        if (builder.Resource.Nodes.Exists(known => known.Resource.Name == nodes.Resource.Name))
        {
            throw new DistributedApplicationException($"{builder.Resource.Name} already balances over {nodes.Resource.Name}: call WithNodes once per resource, and use its weight to increase the share.");
        }

        var balanced = new BalancedNodes(nodes.Resource, nodes.Resource.GetEndpoint(endpointName), weight);
        builder.Resource.Nodes.Add(balanced);
        builder.WithRelationship(nodes.Resource, "Balances");
        if (builder.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            if (balanced.IsProcess)
            {
                nodes.WithEnvironment(balanced.PortVariable, balanced.Endpoint.Property(EndpointProperty.TargetPort));
            }

            if (builder.Resource.HasDrainCommands)
            {
                DrainCommands.AddTo(builder.ApplicationBuilder, builder.Resource, balanced);
            }
        }

        return builder;
    }

    /// <summary>Adds dashboard commands to each node that drain and resume it, and evacuate it if session affinity is enabled.
    /// Draining nodes, whatever the cause, are shown as Draining.</summary>
    /// <param name="builder">The balancer.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithDrainCommands(this IResourceBuilder<KiroBalancerResource> builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!builder.Resource.HasDrainCommands && builder.ApplicationBuilder.ExecutionContext.IsRunMode)
        {
            builder.Resource.HasDrainCommands = true;
            builder.ApplicationBuilder.Services.AddHostedService(services => new DrainWatch(builder.Resource, services.GetRequiredService<ResourceNotificationService>()));
            builder.Resource.Nodes.ForEach(nodes => DrainCommands.AddTo(builder.ApplicationBuilder, builder.Resource, nodes));
        }

        return builder;
    }

    /// <summary>Sets the published image, for example a copy in your own registry.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="image">Its name, with or without a registry; by default <c>kiro-balancer</c>.</param>
    /// <param name="tag">The tag; by default the version of this package.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<KiroBalancerResource> WithContainerImage(
        this IResourceBuilder<KiroBalancerResource> builder, string image, string? tag = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(image);
        if (builder.Resource.Annotations.OfType<ContainerImageAnnotation>().LastOrDefault() is { } published)
        {
            (published.Image, published.Tag) = (image, tag ?? BalancerProgram.Version);
        }

        return builder;
    }

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

    private static IResourceBuilder<KiroBalancerResource> AsProcess(this IResourceBuilder<KiroBalancerResource> balancer, int port)
    {
        var (resource, application) = (balancer.Resource, balancer.ApplicationBuilder);
        application.Services.AddHostedService(services => new NodeWatch(
            resource, services.GetRequiredService<ResourceNotificationService>(), services.GetRequiredService<ResourceCommandService>(), services.GetRequiredService<ILogger<NodeWatch>>()));
        return balancer
            .WithArgs(BalancerProgram.Find(application))
            .WithHttpEndpoint(port, env: "BALANCER_PORT", isProxied: false)
            .WithExternalHttpEndpoints()
            .WithEnvironment("BACKEND_FILE", resource.NodeFile)
            // Started by the node watch with the first node.
            .WithExplicitStart()
            // Override variables that would be inherited from the AppHost. Links, commands and the health check use the one port.
            .WithEnvironment("BACKEND_DNS", "")
            .WithEnvironment("ADMIN_LISTEN", "")
            .WithEnvironment("PROXY_PROTOCOL", "off")
            // Short, for a quick reaction when a node is killed; probes of a few local nodes are cheap. Not less than HEALTH_TIMEOUT.
            .WithEnvironment("HEALTH_INTERVAL", "3")
            // Nothing in front of the balancer needs to notice its shutdown.
            .WithEnvironment("DRAIN_DELAY", "0")
            .WithUrlForEndpoint(KiroBalancerResource.EndpointName, url => url.DisplayText = "service")
            .WithUrlForEndpoint(KiroBalancerResource.EndpointName, _ => new() { Url = "/lb", DisplayText = "balancer" });
    }

    private static IResourceBuilder<KiroBalancerResource> AsContainer(this IResourceBuilder<KiroBalancerResource> balancer, int port) => balancer
        .WithHttpEndpoint(port, targetPort: PublishedPort, env: "BALANCER_PORT")
        .WithExternalHttpEndpoints()
        .WithEnvironment(context => PublishedNodes.Configure(balancer.Resource, context))
        .PublishAsDockerFile(container =>
        {
            // The image already exists and is not built from a Dockerfile.
            foreach (var built in container.Resource.Annotations.OfType<DockerfileBuildAnnotation>().ToList())
            {
                container.Resource.Annotations.Remove(built);
            }

            container.WithImage(Image, BalancerProgram.Version);
        });
}
