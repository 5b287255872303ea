using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kiro;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Adds Kiro balancers to an application model.</summary>
public static partial class KiroBalancerBuilderExtensions
{
    private const int PublishedPort = 13003;
    private const string Image = "kiro-balancer";

    /// <summary>
    /// Adds a balancer: one address in front of replicated nodes, which gives every client its own. Say which with
    /// <see cref="WithNodes{T}"/>. It runs as a process that came with this package, and is published as a container.
    /// </summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="name">The resource's name.</param>
    /// <param name="port">Where clients connect, without Aspire's proxy, which would give every client the same address. In run
    /// mode any free port unless it is set, when published 13003.</param>
    /// <param name="adminToken">Who has it may drain, resume and weigh nodes. Without one it is generated.</param>
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
    /// Balances over a resource. In run mode each of its replicas is a node, with the port that it has this time, and past
    /// Aspire's proxy; replicas that stop, crash, restart or are added reach the running balancer. When published, every
    /// address behind the resource's name is a node, so in Kubernetes it wants a headless service.
    /// </summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="nodes">A project, an executable or a container with an HTTP endpoint. Any number of them may be added.</param>
    /// <param name="weight">The share of each replica relative to other nodes, from 0.01 to 1000.</param>
    /// <param name="endpointName">Which endpoint; it has to speak plain HTTP. Without it the start is refused.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="DistributedApplicationException">The balancer has these nodes already.</exception>
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
            throw new DistributedApplicationException($"{builder.Resource.Name} balances over {nodes.Resource.Name} already: a resource is given to WithNodes once, and its weight says how much more it takes.");
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

    /// <summary>Adds commands to each node, by which somebody in the dashboard drains it and lets its clients return; where
    /// sessions stay, also one that ends them. A node that drains, whoever asked for it, is shown as Draining.</summary>
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

    /// <summary>Says which image is published, such as a copy in a registry of your own.</summary>
    /// <param name="builder">The balancer.</param>
    /// <param name="image">Its name, with or without a registry; <c>kiro-balancer</c> unless it is set.</param>
    /// <param name="tag">The version of this package unless it is set.</param>
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
            // Without a node it would have nothing to do: the watch starts it with the first one.
            .WithExplicitStart()
            // What the AppHost's own environment says would be inherited. Links, commands and the health check ask on the one port.
            .WithEnvironment("BACKEND_DNS", "")
            .WithEnvironment("ADMIN_LISTEN", "")
            .WithEnvironment("PROXY_PROTOCOL", "off")
            // Somebody kills a node and looks, and a few nodes on one machine are probed for next to nothing. Not less than HEALTH_TIMEOUT.
            .WithEnvironment("HEALTH_INTERVAL", "3")
            // Nobody is before it who would have to notice that it leaves.
            .WithEnvironment("DRAIN_DELAY", "0")
            .WithUrlForEndpoint(KiroBalancerResource.EndpointName, url => url.DisplayText = "service")
            .WithUrlForEndpoint(KiroBalancerResource.EndpointName, _ => new() { Url = "/lb", DisplayText = "balancer" });
    }

    private static IResourceBuilder<KiroBalancerResource> AsContainer(this IResourceBuilder<KiroBalancerResource> balancer, int port) => balancer
        .WithHttpEndpoint(port, targetPort: PublishedPort, env: "BALANCER_PORT")
        .WithExternalHttpEndpoints()
        .WithEnvironment(context => PublishedNodes.Tell(balancer.Resource, context))
        .PublishAsDockerFile(container =>
        {
            // It is not built from a file: its image is there.
            foreach (var built in container.Resource.Annotations.OfType<DockerfileBuildAnnotation>().ToList())
            {
                container.Resource.Annotations.Remove(built);
            }

            container.WithImage(Image, BalancerProgram.Version);
        });
}
