using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kiro;

/// <summary>A resource that a balancer balances over; each of its replicas is a node.</summary>
/// <param name="Resource">Projects and executables are reached past Aspire's proxy, which would hide their replicas.</param>
/// <param name="Endpoint">Where they take requests.</param>
/// <param name="Weight">Of each replica.</param>
internal sealed record BalancedNodes(IResourceWithEndpoints Resource, EndpointReference Endpoint, double Weight)
{
    /// <summary>Tells each replica its own port, and with the snapshots of its environment us. Balancers may differ about the endpoint.</summary>
    public string PortVariable => "KIRO_NODE_PORT_" + Endpoint.EndpointName.ToUpperInvariant().Replace('-', '_');

    /// <summary>Whether Aspire starts it as a process of this machine.</summary>
    public bool IsProcess => Resource is ProjectResource or ExecutableResource;

    /// <summary>Looks whether there is something to connect to, once the model is complete: endpoints may be added after us.</summary>
    /// <exception cref="DistributedApplicationException">There is no such endpoint, or it does not speak plain HTTP.</exception>
    public void ThrowIfUnreachable(string balancer)
    {
        var name = Endpoint.EndpointName;
        var all = Resource.Annotations.OfType<EndpointAnnotation>().ToList();
        var endpoint = all.Find(endpoint => string.Equals(endpoint.Name, name, StringComparison.OrdinalIgnoreCase));
        if (endpoint is null)
        {
            throw new DistributedApplicationException(
                $"{balancer} cannot balance over {Resource.Name}, which has no endpoint {name}: add it with WithHttpEndpoint(), or name another one in WithNodes. "
                + (all.Count == 0 ? "It has none." : $"It has {string.Join(", ", all.Select(endpoint => endpoint.Name))}."));
        }

        if (endpoint.UriScheme != "http")
        {
            throw new DistributedApplicationException(
                $"{balancer} cannot balance over {Resource.Name}: its endpoint {name} speaks {endpoint.UriScheme}, and nodes are expected to speak plain HTTP.");
        }
    }

    /// <summary>Where a replica listens, as <c>host:port</c>; null while it does not run.</summary>
    public string? AddressOf(CustomResourceSnapshot snapshot)
    {
        // One that drains is shown so; its process runs on.
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

    /// <summary>Whether a replica is gone because that was wanted: it is told to stop, or came to its end by itself. One that
    /// crashed has not left: it belongs to the model, and is missing.</summary>
    public static bool HasLeft(CustomResourceSnapshot snapshot)
    {
        var state = snapshot.State?.Text;
        return state == KnownResourceStates.Stopping
            || ((state == KnownResourceStates.Finished || state == KnownResourceStates.Exited) && snapshot.ExitCode is null or 0);
    }

    /// <summary>As it stands in the balancer's list.</summary>
    public string Line(string address) =>
        Weight == 1 ? address : string.Create(CultureInfo.InvariantCulture, $"{address}*{Weight}");

    // One spelling: the address is what a node is known by. Whoever listens on localhost or on all addresses is there, too.
    private static string Loopback(string host) => host is "localhost" or "0.0.0.0" or "*" or "+" or "[::]" ? "127.0.0.1" : host;
}
