using Kiro.Balancer.Backends;

namespace Kiro.Fleet;

/// <summary>A node as it really is, whatever a balancer believes.</summary>
/// <param name="number">From 0: its place among all nodes.</param>
internal sealed class SimulatedNode(int number)
{
    public BackendEndpoint Endpoint { get; } = new($"10.0.{number / 250}.{number % 250 + 1}", 13004);

    public int Number { get; } = number;

    /// <summary>How it meets a request or a probe now.</summary>
    public NodeCondition Condition { get; set; } = NodeCondition.Serves;

    /// <summary>Whether an operator wants it drained.</summary>
    public bool IsOrderedOut { get; set; }

    /// <summary>Whether a balancer that knows everything would send clients here.</summary>
    public bool IsEligible => Condition == NodeCondition.Serves && !IsOrderedOut;
}

/// <summary>How a node meets a request or a probe.</summary>
internal enum NodeCondition
{
    /// <summary>It answers.</summary>
    Serves,

    /// <summary>It answers, and its health response says "draining".</summary>
    Drains,

    /// <summary>Its host refuses connections: the process is gone.</summary>
    Refuses,

    /// <summary>Nothing comes back: the host or the network is gone.</summary>
    IsSilent,
}
