using Kiro.Balancer.Clients;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>A client's request on its way, however many nodes it is sent to.</summary>
/// <param name="Context">The request, and the client's end of the answer.</param>
/// <param name="Client">Who sent it.</param>
/// <param name="Kept">Its body, when that was read into memory first; else null.</param>
/// <param name="Body">What can be sent again.</param>
/// <param name="Rules">The same for every request.</param>
internal sealed record ForwardedRequest(HttpContext Context, Client Client, byte[]? Kept, RequestBody Body, ForwardingRules Rules)
{
    /// <summary>The node cannot tell a second sending from a second request.</summary>
    public bool MayBeRepeated { get; } = RetryPolicy.Allows(FailurePoint.BeforeResponse, Context.Request.Method, Body);
}
