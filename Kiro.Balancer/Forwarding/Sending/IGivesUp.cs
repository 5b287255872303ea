namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Waits for a node's answer.</summary>
internal interface IGivesUp
{
    /// <summary>The node is known to hang: wait no longer.</summary>
    void GiveUp();
}
