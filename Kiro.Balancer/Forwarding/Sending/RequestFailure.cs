using Kiro.Balancer.Backends;
using Kiro.Balancer.Health.Passive;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>Why an attempt failed.</summary>
/// <param name="Point">How far it got.</param>
/// <param name="Problem">The reason.</param>
/// <param name="BlamesBackend">Whether the backend is taken out at once.</param>
/// <param name="IsConnectTimeout">Whether the connection was not established in time.</param>
internal readonly record struct RequestFailure(FailurePoint Point, string Problem, bool BlamesBackend = false, bool IsConnectTimeout = false)
{
    public static RequestFailure UnsendableRequest { get; } = new(FailurePoint.Request, "the request has header fields that cannot be forwarded");

    public static RequestFailure NoResponse { get; } = new(FailurePoint.BeforeResponse, "the connection was lost before the response");

    public static RequestFailure BackendHung { get; } = new(FailurePoint.BeforeResponse, "the node does not respond");

    public static RequestFailure ResponseTimeout { get; } = new(FailurePoint.Timeout, "no response in time");

    public static RequestFailure InvalidResponse { get; } = new(FailurePoint.DuringResponse, "the response is not valid HTTP");

    public static RequestFailure BrokenResponse { get; } = new(FailurePoint.DuringResponse, "the connection was lost during the response");

    public static RequestFailure StalledResponse { get; } = new(FailurePoint.DuringResponse, "the response stalled");

    public static RequestFailure ClientAborted { get; } = new(FailurePoint.Client, "the client disconnected");

    /// <summary>The status of the error response.</summary>
    public int Status => Point switch
    {
        FailurePoint.Balancer => StatusCodes.Status503ServiceUnavailable,
        FailurePoint.Request => StatusCodes.Status400BadRequest,
        FailurePoint.Timeout => StatusCodes.Status504GatewayTimeout,
        _ => StatusCodes.Status502BadGateway,
    };

    /// <summary>Whether the backend failed, not the client or the balancer.</summary>
    public bool IsBackendFault => Point is FailurePoint.Connect or FailurePoint.BeforeResponse or FailurePoint.Timeout or FailurePoint.DuringResponse;

    /// <summary>A failure to connect.</summary>
    public static RequestFailure From(ConnectError error) => error.Fault == ConnectFault.Balancer
        ? new(FailurePoint.Balancer, error.Problem)
        : new(FailurePoint.Connect, error.Problem, error.Fault is ConnectFault.Node or ConnectFault.Timeout, error.Fault == ConnectFault.Timeout);

    /// <summary>Reports the failure to passive health checks.</summary>
    public void ReportTo(PassiveHealth reports, BackendRuntime backend)
    {
        switch (this)
        {
            case { IsConnectTimeout: true }:
                reports.ConnectTimedOut(backend, Problem);
                break;
            case { BlamesBackend: true }:
                reports.Refused(backend, Problem);
                break;
            case { Point: FailurePoint.Client or FailurePoint.Balancer or FailurePoint.Request }:
                break;
            case { Point: FailurePoint.Connect }:
                PassiveHealth.Unreachable(backend);
                break;
            default:
                reports.Lost(backend);
                break;
        }
    }
}

/// <summary>How far a request got.</summary>
internal enum FailurePoint
{
    /// <summary>No connection: the backend has seen nothing of the request.</summary>
    Connect,

    /// <summary>No connection, because the balancer is out of sockets: another backend would not help.</summary>
    Balancer,

    /// <summary>The request cannot be represented towards a backend.</summary>
    Request,

    /// <summary>The connection was lost before the first byte of the response: the backend may have processed the request.</summary>
    BeforeResponse,

    /// <summary>The response did not begin in time.</summary>
    Timeout,

    /// <summary>The response was invalid or broke off.</summary>
    DuringResponse,

    /// <summary>The client disconnected or sent a malformed body.</summary>
    Client,
}
