using Kiro.Balancer.Backends;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding;

/// <summary>Why a try failed: how far it got, and the reason in plain words.</summary>
/// <param name="Point">How far it got.</param>
/// <param name="Problem">The reason.</param>
/// <param name="BlamesNode">Whether it is a reason to take the node out at once.</param>
internal readonly record struct RequestFailure(FailurePoint Point, string Problem, bool BlamesNode = false)
{
    /// <summary>The status of the balancer's own answer.</summary>
    public int Status => Point switch
    {
        FailurePoint.Balancer => StatusCodes.Status503ServiceUnavailable,
        FailurePoint.Request => StatusCodes.Status400BadRequest,
        FailurePoint.Timeout => StatusCodes.Status504GatewayTimeout,
        _ => StatusCodes.Status502BadGateway,
    };

    /// <param name="error">What YARP says.</param>
    /// <param name="exception">What it says it with.</param>
    /// <param name="clientIsGone">Whether the client has left.</param>
    public static RequestFailure From(ForwarderError error, Exception? exception, bool clientIsGone) => error switch
    {
        ForwarderError.RequestCreation =>
            new(FailurePoint.Request, "the request has fields that cannot be passed on"),
        ForwarderError.Request when exception is HttpRequestException
            { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            From(ConnectError.From(exception)),
        ForwarderError.Request when exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded } =>
            new(FailurePoint.DuringResponse, "the answer is not valid HTTP"),
        // A 101 that nobody asked for: YARP finds no way to upgrade the client's connection.
        ForwarderError.UpgradeResponseClient when exception is InvalidOperationException =>
            new(FailurePoint.DuringResponse, "the answer is not valid HTTP"),
        ForwarderError.Request or ForwarderError.RequestBodyDestination =>
            new(FailurePoint.BeforeResponse, "the connection was lost before an answer"),
        ForwarderError.RequestTimedOut =>
            new(FailurePoint.Timeout, "no answer in time"),
        ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination or ForwarderError.UpgradeResponseDestination
            or ForwarderError.UpgradeRequestDestination or ForwarderError.UpgradeActivityTimeout =>
            new(FailurePoint.DuringResponse, "the connection was lost in the middle of the answer"),
        // Cancelled, and not by the client: the exchange stood still for too long.
        ForwarderError.ResponseBodyCanceled or ForwarderError.UpgradeRequestCanceled or ForwarderError.UpgradeResponseCanceled
            when !clientIsGone =>
            new(FailurePoint.DuringResponse, "the answer stood still for too long"),
        _ => new(FailurePoint.Client, "the client is gone"),
    };

    private static RequestFailure From(ConnectError error) => error.Fault == ConnectFault.Balancer
        ? new(FailurePoint.Balancer, error.Problem)
        : new(FailurePoint.Connect, error.Problem, BlamesNode: error.Fault == ConnectFault.Node);
}
