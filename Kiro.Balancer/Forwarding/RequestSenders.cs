using Kiro.Balancer.Backends;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Forwarding.Yarp;
using Kiro.ServiceDefaults.Settings;
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

/// <summary>How requests are sent to nodes.</summary>
/// <param name="Path"><c>FORWARDER</c>: <c>loop</c> (the default where it is supported: Linux), <c>lean</c> (elsewhere) or <c>yarp</c>.</param>
/// <param name="Timeouts"><c>CONNECT_TIMEOUT</c>, <c>EXCHANGE_TIMEOUT</c>.</param>
/// <param name="BackendConnections"><c>BACKEND_CONNECTIONS</c>: requests, and with them connections, that one node gets at the
/// same time, 0 to 100000, default 0 (no bound). What is too much waits in order.</param>
internal sealed record ForwardingOptions(ForwardingPath Path, ForwardingTimeouts Timeouts, int BackendConnections = 0)
{
    private const string Variable = "FORWARDER";

    public static ForwardingOptions Read(SettingsReader settings)
    {
        var text = settings.Text(Variable, OperatingSystem.IsLinux() ? "loop" : "lean");
        ForwardingPath? path = text switch
        {
            "loop" => ForwardingPath.Loop,
            "lean" => ForwardingPath.Lean,
            "yarp" => ForwardingPath.Yarp,
            _ => null,
        };
        if (path is null)
        {
            settings.Reject(Variable, text, "loop, lean or yarp");
        }

        return new ForwardingOptions(
            path ?? ForwardingPath.Lean,
            ForwardingTimeouts.Read(settings),
            settings.WholeNumber("BACKEND_CONNECTIONS", 0, 0, 100_000));
    }
}

/// <summary>Ways of a request to its node.</summary>
internal enum ForwardingPath
{
    /// <summary>Plain HTTP/1 on the event loops of Front, where the system has epoll; the rest as <see cref="Lean"/>.</summary>
    Loop,

    /// <summary>Straight over a socket, for all that is HTTP/1.x without an upgrade; the rest by <see cref="Yarp"/>.</summary>
    Lean,

    /// <summary>Everything by YARP and HttpClient.</summary>
    Yarp,
}
