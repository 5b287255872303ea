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

    public static bool IsIdempotent(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method)
        || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method) || HttpMethods.IsTrace(method);
}
