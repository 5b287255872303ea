using Kiro.Balancer.Backends;

namespace Kiro.Fleet;

/// <summary>The real state of a node, independent of what balancers know.</summary>
/// <param name="number">Its index, from 0.</param>
internal sealed class SimulatedNode(int number)
{
    public BackendEndpoint Endpoint { get; } = new($"10.0.{number / 250}.{number % 250 + 1}", 13004);

    public int Number { get; } = number;

    /// <summary>How it reacts to requests and probes.</summary>
    public NodeCondition Condition { get; set; } = NodeCondition.Serves;

    /// <summary>Whether an operator has drained it.</summary>
    public bool IsOrderedOut { get; set; }

    /// <summary>Whether a balancer with complete knowledge would send clients here.</summary>
    public bool IsEligible => Condition == NodeCondition.Serves && !IsOrderedOut;
}

/// <summary>How a node reacts to requests and probes.</summary>
internal enum NodeCondition
{
    /// <summary>It responds.</summary>
    Serves,

    /// <summary>It responds, with "draining" as its health.</summary>
    Drains,

    /// <summary>Its host refuses connections: the process is gone.</summary>
    Refuses,

    /// <summary>It does not respond: the host or the network is gone.</summary>
    IsSilent,
}
