using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>A resource that a balancer balances over; each of its replicas is a node.</summary>
/// <param name="Resource">The resource. Projects and executables bypass Aspire's proxy, which would hide their replicas.</param>
/// <param name="Endpoint">The endpoint for requests.</param>
/// <param name="Weight">The weight of each replica.</param>
internal sealed record BalancedNodes(IResourceWithEndpoints Resource, EndpointReference Endpoint, double Weight)
{
    /// <summary>Set in each replica's environment, from whose snapshots we learn its port. Named by endpoint, since balancers may use different ones.</summary>
    public string PortVariable => "KIRO_NODE_PORT_" + Endpoint.EndpointName.ToUpperInvariant().Replace('-', '_');

    /// <summary>Whether Aspire runs it as a local process.</summary>
    public bool IsProcess => Resource is ProjectResource or ExecutableResource;

    /// <summary>Validates the endpoint once the model is complete, since endpoints may be added later.</summary>
    /// <exception cref="DistributedApplicationException">There is no such endpoint, or it is not plain HTTP.</exception>
    public void ThrowIfUnreachable(string balancer)
    {
        var name = Endpoint.EndpointName;
        var all = Resource.Annotations.OfType<EndpointAnnotation>().ToList();
        var endpoint = all.Find(endpoint => string.Equals(endpoint.Name, name, StringComparison.OrdinalIgnoreCase));
        if (endpoint is null)
        {
            throw new DistributedApplicationException(
                $"{balancer} cannot balance over {Resource.Name}, which has no endpoint {name}: add it with WithHttpEndpoint(), or pass another endpoint name to WithNodes. "
                + (all.Count == 0 ? "It has none." : $"It has {string.Join(", ", all.Select(endpoint => endpoint.Name))}."));
        }

        if (endpoint.UriScheme != "http")
        {
            throw new DistributedApplicationException(
                $"{balancer} cannot balance over {Resource.Name}: its endpoint {name} uses {endpoint.UriScheme}, but nodes must use plain HTTP.");
        }
    }

    /// <summary>A replica's address as <c>host:port</c>; null while it does not run.</summary>
    public string? AddressOf(CustomResourceSnapshot snapshot)
    {
        // The process of a draining node still runs.
        var state = snapshot.State?.Text;
        if (state != KnownResourceStates.Running && state != DrainWatch.Draining)
        {
            return null;
        }

        if (!IsProcess)
        {
            return Endpoint.IsAllocated ? $"{Loopback(Endpoint.Host)}:{Endpoint.Port}" : null;
        }

        var port = snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == PortVariable)?.Value;
        return int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? $"{Loopback(Endpoint.EndpointAnnotation.TargetHost)}:{number}"
            : null;
    }

    /// <summary>Whether a replica was stopped or exited cleanly. One that crashed has not left: it is still part of the
    /// model, and down.</summary>
    public static bool HasLeft(CustomResourceSnapshot snapshot)
    {
        var state = snapshot.State?.Text;
        return state == KnownResourceStates.Stopping
            || ((state == KnownResourceStates.Finished || state == KnownResourceStates.Exited) && snapshot.ExitCode is null or 0);
    }

    /// <summary>Its line in the balancer's node file.</summary>
    public string Line(string address) =>
        Weight == 1 ? address : string.Create(CultureInfo.InvariantCulture, $"{address}*{Weight}");

    // Normalised, because the address is the node's id. Also reachable at loopback if it listens on localhost or all addresses.
    private static string Loopback(string host) => host is "localhost" or "0.0.0.0" or "*" or "+" or "[::]" ? "127.0.0.1" : host;
}

/// <summary>The nodes of a published balancer.</summary>
internal static class PublishedNodes
{
    /// <summary>A single resource is resolved by name, to one address per replica; several resources become a list of nodes.</summary>
    public static void Configure(KiroBalancerResource balancer, EnvironmentCallbackContext context)
    {
        if (balancer.Nodes is [var single])
        {
            context.EnvironmentVariables["BACKEND_DNS"] = single.Endpoint.Property(EndpointProperty.Host);
            context.EnvironmentVariables["BACKEND_PORT"] = single.Endpoint.Property(EndpointProperty.TargetPort);
        }
        else if (balancer.Nodes.Count > 0)
        {
            var hosts = new ReferenceExpressionBuilder();
            foreach (var nodes in balancer.Nodes)
            {
                hosts.AppendLiteral(hosts.IsEmpty ? "" : ",");
                hosts.Append($"{nodes.Endpoint.Property(EndpointProperty.Host)}:{nodes.Endpoint.Property(EndpointProperty.TargetPort)}");
                hosts.AppendLiteral(nodes.Weight == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"*{nodes.Weight}"));
            }

            context.EnvironmentVariables["BACKEND_HOSTS"] = hosts.Build();
        }
    }
}
