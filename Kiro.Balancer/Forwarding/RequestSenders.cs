using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Yarp;
using OpenTelemetry.Trace;

namespace Kiro.Balancer.Forwarding;

/// <summary>Which way a request takes to its node.</summary>
/// <param name="options">What the user wants.</param>
/// <param name="lean">For the common case.</param>
/// <param name="yarp">For everything else.</param>
/// <param name="tracer">There when spans are exported. HttpClient makes those, and hands them on.</param>
internal sealed class RequestSenders(ForwardingOptions options, Http1Sender lean, YarpSender yarp, TracerProvider? tracer = null)
{
    private readonly bool _mayBeLean = options.Path != ForwardingPath.Yarp && tracer is null;

    public IRequestSender For(HttpRequest request) =>
        _mayBeLean && request.Headers.Upgrade.Count == 0
        && (HttpProtocol.IsHttp11(request.Protocol) || HttpProtocol.IsHttp10(request.Protocol))
            ? lean : yarp;
}
