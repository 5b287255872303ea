namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>
/// Which requests may go on to another node. A request that is not idempotent (RFC 9110, section 9.2.2) and may have
/// reached a node is never sent twice.
/// </summary>
internal static class RetryPolicy
{
    /// <summary>Nodes that one request is sent to at most.</summary>
    public const int MaxTries = 8;

    public static bool Allows(FailurePoint failure, string method, RequestBody body) => failure switch
    {
        FailurePoint.Connect => true,
        FailurePoint.BeforeResponse => IsIdempotent(method) && body != RequestBody.Streamed,
        _ => false,
    };

    /// <summary>Methods are case-sensitive: "put" is another one (RFC 9110, section 9.1), of which nobody knows.</summary>
    public static bool IsIdempotent(string method) =>
        method == HttpMethods.Get || method == HttpMethods.Head || method == HttpMethods.Options
        || method == HttpMethods.Put || method == HttpMethods.Delete || method == HttpMethods.Trace;
}
