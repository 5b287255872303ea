using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Passive;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Why a try failed: how far it got, and the reason in plain words.</summary>
/// <param name="Point">How far it got.</param>
/// <param name="Problem">The reason.</param>
/// <param name="BlamesBackend">Whether it is a reason to take the node out at once.</param>
/// <param name="IsConnectTimeout">Whether it is only that the node did not accept in time.</param>
internal readonly record struct RequestFailure(FailurePoint Point, string Problem, bool BlamesBackend = false, bool IsConnectTimeout = false)
{
    public static RequestFailure UnsendableRequest { get; } = new(FailurePoint.Request, "the request has fields that cannot be passed on");

    public static RequestFailure NoResponse { get; } = new(FailurePoint.BeforeResponse, "the connection was lost before a response");

    public static RequestFailure BackendHung { get; } = new(FailurePoint.BeforeResponse, "the node does not respond");

    public static RequestFailure ResponseTimeout { get; } = new(FailurePoint.Timeout, "no response in time");

    public static RequestFailure InvalidResponse { get; } = new(FailurePoint.DuringResponse, "the response is not valid HTTP");

    public static RequestFailure BrokenResponse { get; } = new(FailurePoint.DuringResponse, "the connection was lost in the middle of the response");

    public static RequestFailure StalledResponse { get; } = new(FailurePoint.DuringResponse, "the response stood still for too long");

    public static RequestFailure ClientAborted { get; } = new(FailurePoint.Client, "the client is gone");

    /// <summary>The status of the balancer's own response.</summary>
    public int Status => Point switch
    {
        FailurePoint.Balancer => StatusCodes.Status503ServiceUnavailable,
        FailurePoint.Request => StatusCodes.Status400BadRequest,
        FailurePoint.Timeout => StatusCodes.Status504GatewayTimeout,
        _ => StatusCodes.Status502BadGateway,
    };

    /// <summary>Whether it is the node, and neither the client nor the balancer itself, that failed.</summary>
    public bool IsBackendFault => Point is FailurePoint.Connect or FailurePoint.BeforeResponse or FailurePoint.Timeout or FailurePoint.DuringResponse;

    /// <summary>There is no connection.</summary>
    public static RequestFailure From(ConnectError error) => error.Fault == ConnectFault.Balancer
        ? new(FailurePoint.Balancer, error.Problem)
        : new(FailurePoint.Connect, error.Problem, error.Fault is ConnectFault.Node or ConnectFault.Unaccepted, error.Fault == ConnectFault.Unaccepted);

    /// <summary>Tells what the failure says about the node.</summary>
    public void ReportTo(FailureReports reports, BackendRuntime backend)
    {
        switch (this)
        {
            case { IsConnectTimeout: true }:
                reports.Unaccepted(backend, Problem);
                break;
            case { BlamesBackend: true }:
                reports.Refused(backend, Problem);
                break;
            case { Point: FailurePoint.Client or FailurePoint.Balancer or FailurePoint.Request }:
                break;
            case { Point: FailurePoint.Connect }:
                FailureReports.Unreached(backend);
                break;
            default:
                reports.Lost(backend);
                break;
        }
    }
}

/// <summary>How far a request got before it failed.</summary>
internal enum FailurePoint
{
    /// <summary>No connection to the node: it has seen nothing of the request.</summary>
    Connect,

    /// <summary>No connection, for want of the balancer's own sockets: no node is to blame, and none is better.</summary>
    Balancer,

    /// <summary>The request cannot be put into the form that a node would get.</summary>
    Request,

    /// <summary>The connection was lost before any byte of the response: the node may have acted on the request.</summary>
    BeforeResponse,

    /// <summary>The node took too long to answer.</summary>
    Timeout,

    /// <summary>The response was broken, or its connection was lost half-way.</summary>
    DuringResponse,

    /// <summary>The client went away or sent a broken body: no fault of the node.</summary>
    Client,
}

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
