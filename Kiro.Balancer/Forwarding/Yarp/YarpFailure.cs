using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Sending;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>What YARP's errors mean to the balancer.</summary>
internal static class YarpFailure
{
    /// <param name="error">What YARP says.</param>
    /// <param name="exception">What it says it with.</param>
    /// <param name="clientIsGone">Whether the client has left.</param>
    public static RequestFailure From(ForwarderError error, Exception? exception, bool clientIsGone) => error switch
    {
        ForwarderError.RequestCreation => RequestFailure.UnsendableRequest,
        ForwarderError.Request when exception is HttpRequestException
            { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            RequestFailure.From(ConnectError.From(exception)),
        ForwarderError.Request or ForwarderError.ResponseHeaders
            when exception is HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded } =>
            RequestFailure.InvalidResponse,
        // A 101 that nobody asked for: YARP finds no way to upgrade the client's connection.
        ForwarderError.UpgradeResponseClient when exception is InvalidOperationException => RequestFailure.InvalidResponse,
        ForwarderError.Request or ForwarderError.RequestBodyDestination => RequestFailure.NoResponse,
        ForwarderError.RequestTimedOut => RequestFailure.TooSlow,
        ForwarderError.ResponseHeaders or ForwarderError.ResponseBodyDestination or ForwarderError.UpgradeResponseDestination
            or ForwarderError.UpgradeRequestDestination or ForwarderError.UpgradeActivityTimeout => RequestFailure.BrokenResponse,
        // Cancelled, and not by the client: the exchange stood still for too long.
        ForwarderError.ResponseBodyCanceled or ForwarderError.UpgradeRequestCanceled or ForwarderError.UpgradeResponseCanceled
            when !clientIsGone => RequestFailure.StalledResponse,
        _ => RequestFailure.ClientIsGone,
    };
}
