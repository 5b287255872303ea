using Kiro.Balancer.Backends;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding;

/// <summary>Why a try failed: how far it got, and the reason in plain words.</summary>
internal readonly record struct RequestFailure(FailurePoint Point, string Problem)
{
    public static RequestFailure From(ForwarderError error, Exception? exception) => error switch
    {
        ForwarderError.Request when exception is HttpRequestException
            { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            new(FailurePoint.Connect, ConnectError.Describe(exception)),
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
        _ => new(FailurePoint.Client, "the client is gone"),
    };
}
