using Kiro.Balancer.Clients;
using Kiro.Balancer.Limits;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>A client's request on its way, however many nodes it is sent to.</summary>
/// <param name="Context">The request, and the client's end of the answer.</param>
/// <param name="Client">Who sent it.</param>
/// <param name="Kept">Its body, when that was read into memory first; else null.</param>
/// <param name="Body">What can be sent again.</param>
/// <param name="Mark">Left on it, to know it when it comes back.</param>
internal sealed record ForwardedRequest(HttpContext Context, Client Client, byte[]? Kept, RequestBody Body, HopMark Mark)
{
    /// <summary>The node cannot tell a second sending from a second request.</summary>
    public bool MayBeRepeated { get; } = RetryPolicy.Allows(FailurePoint.BeforeResponse, Context.Request.Method, Body);
}
