using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Forwarding.Yarp;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Forwarding;

/// <summary>Which way a request takes to its node.</summary>
/// <param name="options">What the user wants.</param>
/// <param name="transport">How nodes are spoken to.</param>
/// <param name="lean">For the common case.</param>
/// <param name="yarp">For WebSockets, for nodes that are spoken to with HTTP/2, and for all that it can do when the user wants it so.</param>
internal sealed class RequestSenders(ForwardingOptions options, BackendTransportOptions transport, Http1Sender lean, YarpSender yarp)
{
    private readonly bool _isLean = options.Path != ForwardingPath.Yarp;
    private readonly bool _isHttp2 = transport.IsHttp2;

    public IRequestSender For(HttpRequest request) =>
        _isHttp2 || WebSocketHandshake.Is(request) ? yarp
        : _isLean || IsBeyondHttpClient(request) ? lean : yarp;

    // HttpClient writes a known method in capitals, has no form for "*", and makes two lines of an empty Host.
    private static bool IsBeyondHttpClient(HttpRequest request) =>
        request.Host.Value is not { Length: > 0 }
        || request.Method.AsSpan().ContainsAnyInRange('a', 'z')
        || (request.Method == HttpMethods.Options
            && OriginForm.Of(request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, request.Method) == "*");
}
