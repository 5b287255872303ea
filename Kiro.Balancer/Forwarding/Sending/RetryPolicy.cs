namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Which failed requests may be retried. A request that is not idempotent (RFC 9110, section 9.2.2) and may have reached a backend is
/// never sent twice.</summary>
internal static class RetryPolicy
{
    /// <summary>Maximum number of backends that a request is sent to.</summary>
    public const int MaxTries = 8;

    public static bool Allows(FailurePoint failure, string method, RequestBody body) => failure switch
    {
        FailurePoint.Connect => true,
        FailurePoint.BeforeResponse => IsIdempotent(method) && body != RequestBody.Streamed,
        _ => false,
    };

    /// <summary>Methods are case-sensitive (RFC 9110, section 9.1): "put" is an unknown one.</summary>
    public static bool IsIdempotent(string method) =>
        method == HttpMethods.Get || method == HttpMethods.Head || method == HttpMethods.Options
        || method == HttpMethods.Put || method == HttpMethods.Delete || method == HttpMethods.Trace;
}
