namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Sends a request to a node and the node's response to the client.</summary>
internal interface IRequestSender
{
    /// <summary>Sends a request once. Whether it goes on to another node is for others to decide.</summary>
    /// <returns>Null when the node has answered.</returns>
    /// <param name="request">What to send.</param>
    /// <param name="attempt">Where to; it is told when a response begins, and tells when to wait no longer.</param>
    ValueTask<RequestFailure?> SendAsync(ForwardedRequest request, Attempt attempt);
}
