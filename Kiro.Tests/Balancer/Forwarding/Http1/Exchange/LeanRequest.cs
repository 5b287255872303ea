using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Limits;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Tests.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding;

/// <summary>A client's request without the client.</summary>
internal static class LeanRequest
{
    /// <param name="context">With its body, and the length of that.</param>
    /// <param name="method">Its method.</param>
    /// <param name="body">The buffered body.</param>
    public static ForwardedRequest Of(HttpContext context, string method, RequestBody body)
    {
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "/";
        (context.Request.Protocol, context.Request.Method, context.Request.Host) = ("HTTP/1.1", method, new HostString("a.example"));
        var client = ClientAddress.From(IPAddress.Loopback);
        return new ForwardedRequest(context, new Client(client, client, PeerIsTrusted: false), Buffered: null, body, new ForwardingRules(new LoopMarker("kiro-test"), ForwardingTimeouts.Default, ClientHeader.Default));
    }
}
