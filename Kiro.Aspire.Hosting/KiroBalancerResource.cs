using System.Collections.Concurrent;
using Aspire.Hosting.Kiro;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Kiro balancer: one address in front of replicated nodes, which gives every client its own node.</summary>
/// <param name="name">The resource's name.</param>
/// <param name="workingDirectory">Its own folder, so that no unrelated <c>.env</c> is read.</param>
/// <param name="adminToken">The token for admin actions: drain, resume, weight.</param>
public sealed class KiroBalancerResource(string name, string workingDirectory, ParameterResource adminToken)
    : ExecutableResource(name, "dotnet", workingDirectory), IResourceWithServiceDiscovery
{
    internal const string EndpointName = "http";

    private EndpointReference? _endpoint;

    /// <summary>The endpoint for clients.</summary>
    public EndpointReference PrimaryEndpoint => _endpoint ??= new EndpointReference(this, EndpointName);

    /// <summary>The token for admin actions (drain, resume, weight): <c>ADMIN_TOKEN</c> of the balancer.</summary>
    public ParameterResource AdminTokenParameter { get; } = adminToken;

    /// <summary>In run mode: the node file that the balancer watches.</summary>
    internal string NodeFile { get; } = Path.Combine(workingDirectory, "nodes");

    /// <summary>The resources that it balances over.</summary>
    internal List<BalancedNodes> Nodes { get; } = [];

    /// <summary>Whether nodes get commands to drain and resume them.</summary>
    internal bool HasDrainCommands { get; set; }

    /// <summary>Whether session affinity is enabled, so that nodes can be evacuated.</summary>
    internal bool KeepsSessions { get; set; }

    /// <summary>In run mode: the addresses (<c>host:port</c>) of the running nodes, by the resource id of each replica.</summary>
    internal ConcurrentDictionary<string, string> Running { get; } = new();

    /// <summary>Validates that there are nodes, once the model is complete.</summary>
    /// <exception cref="DistributedApplicationException">There are none.</exception>
    internal void ThrowIfIncomplete()
    {
        if (Nodes.Count == 0)
        {
            throw new DistributedApplicationException($"{Name} has no nodes: add them with WithNodes().");
        }

        Nodes.ForEach(nodes => nodes.ThrowIfUnreachable(Name));
    }
}
