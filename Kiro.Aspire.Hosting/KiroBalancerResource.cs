using System.Collections.Concurrent;
using Aspire.Hosting.Kiro;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Kiro balancer: one address in front of replicated nodes, which gives every client its own.</summary>
/// <param name="name">The resource's.</param>
/// <param name="workingDirectory">A folder of its own: no <c>.env</c> of anybody else's is read from there.</param>
/// <param name="adminToken">Who has it may drain, resume and weigh nodes.</param>
public sealed class KiroBalancerResource(string name, string workingDirectory, ParameterResource adminToken)
    : ExecutableResource(name, "dotnet", workingDirectory), IResourceWithServiceDiscovery
{
    internal const string EndpointName = "http";

    private EndpointReference? _endpoint;

    /// <summary>Where clients connect.</summary>
    public EndpointReference PrimaryEndpoint => _endpoint ??= new EndpointReference(this, EndpointName);

    /// <summary>Who has it may drain, resume and weigh nodes: <c>ADMIN_TOKEN</c> of the balancer.</summary>
    public ParameterResource AdminTokenParameter { get; } = adminToken;

    /// <summary>In run mode: the list of nodes that the balancer watches.</summary>
    internal string NodeFile { get; } = Path.Combine(workingDirectory, "nodes");

    /// <summary>What it balances over.</summary>
    internal List<BalancedNodes> Nodes { get; } = [];

    /// <summary>Whether nodes get commands to drain and resume them.</summary>
    internal bool HasDrainCommands { get; set; }

    /// <summary>Whether a drain lets sessions end first, so that there is something to evacuate.</summary>
    internal bool KeepsSessions { get; set; }

    /// <summary>In run mode: the nodes that run, by the ids of their processes in Aspire (a replica has one of its own), as <c>host:port</c>.</summary>
    internal ConcurrentDictionary<string, string> Running { get; } = new();

    /// <summary>Looks whether there is something to balance over, once the model is complete.</summary>
    /// <exception cref="DistributedApplicationException">There is not.</exception>
    internal void ThrowIfIncomplete()
    {
        if (Nodes.Count == 0)
        {
            throw new DistributedApplicationException($"{Name} has nothing to balance over: name its nodes with WithNodes().");
        }

        Nodes.ForEach(nodes => nodes.ThrowIfUnreachable(Name));
    }
}
