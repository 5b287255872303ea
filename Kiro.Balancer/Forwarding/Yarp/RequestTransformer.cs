using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Http1.Connections;
using Kiro.Balancer.Forwarding.Http1.Exchange;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Kiro.Balancer.Limits;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>Adjusts the request and the response of one attempt beyond what YARP does.</summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The reader of the response body disposes of the stream.")]
internal sealed class RequestTransformer(ForwardedRequest forwarded, Attempt attempt, OpenStreams streams, ExchangeTimeout timeout) : HttpTransformer
{
    private static readonly UriCreationOptions Verbatim = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private ResponseTrailers? _trailers;
    private EventStream? _stream;
    private bool _isGrpc;

    /// <summary>Whether the client has the whole response, even if sending the request body failed.</summary>
    public bool HasResponded { get; private set; }

    /// <summary>Undoes the effects of a failed response.</summary>
    public void DiscardResponse(HttpContext httpContext)
    {
        _trailers?.Discard(httpContext);
        _trailers = null;
    }

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);

        var request = httpContext.Request;
        if (request.Headers.UpgradeInsecureRequests is { Count: > 0 } wish)
        {
            // YARP treats it as hop-by-hop, but browsers send it to the origin.
            proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.UpgradeInsecureRequests, string.Join(", ", wish.ToArray()));
        }

        if (request.Headers.Connection is { Count: > 0 } connection)
        {
            HopByHop.RemoveNamed(connection, proxyRequest.Headers, proxyRequest.Content?.Headers);
        }

        if (RequestHeadWriter.AcceptsTrailers(request))
        {
            proxyRequest.Headers.Remove(HeaderNames.TE);
            proxyRequest.Headers.TE.ParseAdd("trailers");
            proxyRequest.Headers.Connection.Add(HeaderNames.TE);
        }

        if (HttpProtocol.IsHttp10(request.Protocol))
        {
            // HTTP/1.0 clients do not wait for "100 Continue" (RFC 9110, section 10.1.1).
            proxyRequest.Headers.Remove(HeaderNames.Expect);
        }

        proxyRequest.Options.Set(ExchangeTimeout.Key, timeout);
        proxyRequest.Options.Set(BackendConnections.Node, attempt.Runtime);
        // HttpClient cannot send trailers over HTTP/1.1.
        proxyRequest.Headers.Remove(HeaderNames.Trailer);
        ForwardedHeaders.Set(request, forwarded.Client, forwarded.Rules, proxyRequest.Headers);
        var target = OriginForm.Of(httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, request.Method);
        proxyRequest.RequestUri = new Uri(destinationPrefix + target, Verbatim);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        attempt.Settle(responded: proxyResponse is not null);
        timeout.Touch();
        if (proxyResponse?.StatusCode == HttpStatusCode.SwitchingProtocols && !WebSocketHandshake.Is(httpContext.Request))
        {
            // YARP only checks whether Connection contains "upgrade".
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The backend switched protocols without being asked to.");
        }

        var copyBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (proxyResponse is null)
        {
            return copyBody;
        }

        HopByHop.RemoveNamed(proxyResponse.Headers.Connection, httpContext.Response.Headers);
        forwarded.HandOutCookie(httpContext.Response.Headers);
        attempt.Runtime.RecordConnectionClose(proxyResponse.Headers.ConnectionClose == true);

        ApplyStatus(proxyResponse, httpContext);
        KestrelConnection.NoteFraming(httpContext);
        var type = proxyResponse.Content.Headers.NonValidated.TryGetValues(HeaderNames.ContentType, out var types) ? types.ToString() : "";
        _isGrpc = Grpc.Is(type);
        if (_isGrpc || ResponseTraits.IsEventStream(Encoding.Latin1.GetBytes(type)))
        {
            timeout.Stop();
            _stream = new EventStream(await proxyResponse.Content.ReadAsStreamAsync(cancellationToken), streams);
            streams.Add(_stream, forwarded.Slot, attempt.Backend);
            proxyResponse.Content = new StreamContent(_stream);
        }

        _trailers = ResponseTrailers.Announce(httpContext, proxyResponse);
        if (_trailers is null && HasBody(httpContext.Request, proxyResponse) && !HttpProtocol.IsHttp2(httpContext.Request.Protocol))
        {
            // No trailers can follow.
            httpContext.Response.Headers.Trailer = default;
        }

        if (IsTunnel(proxyResponse))
        {
            // The content is the connection itself.
            timeout.Stop();
        }
        else if (proxyResponse.Content.Headers.ContentLength != 0)
        {
            proxyResponse.Content = new EarlyHeadContent(proxyResponse.Content, httpContext.Response, timeout);
        }

        return copyBody && proxyResponse.StatusCode != HttpStatusCode.ResetContent;
    }

    private static bool HasBody(HttpRequest request, HttpResponseMessage response) =>
        request.Method != HttpMethods.Head && response.Content.Headers.ContentLength != 0
        && response.StatusCode is not (HttpStatusCode.NoContent or HttpStatusCode.ResetContent or HttpStatusCode.NotModified);

    // HTTP/1.1 upgrade or HTTP/2 extended CONNECT.
    private static bool IsTunnel(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.SwitchingProtocols
        || (response.RequestMessage?.Method == HttpMethod.Connect && response.IsSuccessStatusCode);

    // Statuses that YARP or Kestrel handle differently from the lean path and the RFCs.
    private static void ApplyStatus(HttpResponseMessage response, HttpContext context)
    {
        var headers = context.Response.Headers;
        switch (response.StatusCode)
        {
            case HttpStatusCode.NoContent or HttpStatusCode.ResetContent:
            case HttpStatusCode.NotModified when headers.ContentLength == 0:
                headers.ContentLength = null;
                break;
            case HttpStatusCode.UpgradeRequired when response.Headers.NonValidated.TryGetValues(HeaderNames.Upgrade, out var protocols):
                headers.Upgrade = protocols.ToString();
                headers.Connection = ResponseFields.ConnectionField(context.Response);
                break;
            case HttpStatusCode.Unauthorized or HttpStatusCode.ProxyAuthenticationRequired when BindsConnection(response.Headers):
                context.Features.Get<KestrelConnection>()?.Logins.Require();
                break;
        }
    }

    private static bool BindsConnection(HttpResponseHeaders headers) =>
        headers.NonValidated.Where(field => field.Key.Equals(HeaderNames.WWWAuthenticate, StringComparison.OrdinalIgnoreCase)
                || field.Key.Equals(HeaderNames.ProxyAuthenticate, StringComparison.OrdinalIgnoreCase))
            .SelectMany(field => field.Value)
            .Any(value => ResponseTraits.BindsConnection(Encoding.Latin1.GetBytes(value)));

    public override ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        HasResponded = true;
        if (_isGrpc && _stream!.WasEndedEarly && httpContext.Response.SupportsTrailers())
        {
            // Without a status, the client would report an error; with this one it may retry.
            httpContext.Response.AppendTrailer(Grpc.StatusField, Grpc.Unavailable);
            httpContext.Response.AppendTrailer(Grpc.MessageField, Grpc.MessageOf("the node is being drained"));
            return ValueTask.CompletedTask;
        }

        return _trailers?.WriteAsync(proxyResponse.TrailingHeaders, cancellationToken)
            ?? base.TransformResponseTrailersAsync(httpContext, proxyResponse, cancellationToken);
    }
}

/// <summary>Sets the fields that identify the client to the backend. Values from a trusted proxy are extended; anybody else's are replaced.</summary>
internal static class ForwardedHeaders
{
    public static void Set(HttpRequest request, in Client client, ForwardingRules rules, HttpRequestHeaders headers)
    {
        var peer = client.Peer.ToString();
        var (forwardedFor, proto, host) = (peer, request.Scheme, request.Host.Value ?? "");
        if (client.PeerIsTrusted)
        {
            if (request.Headers[ForwardedClaims.For] is { Count: > 0 } before)
            {
                forwardedFor = $"{string.Join(", ", before.ToArray())}, {peer}";
            }

            proto = ForwardedClaims.First(request.Headers[ForwardedClaims.Proto]) ?? proto;
            host = ForwardedClaims.First(request.Headers[ForwardedClaims.Host]) ?? host;
        }

        foreach (var (name, _) in request.Headers)
        {
            if (rules.IsDropped(name, client.PeerIsTrusted))
            {
                headers.Remove(name);
            }
        }

        Replace(headers, ForwardedClaims.For, forwardedFor);
        Replace(headers, ForwardedClaims.Proto, proto);
        Replace(headers, ForwardedClaims.Host, host);
        Replace(headers, ForwardedClaims.RealIp, client.Address.ToString());
        Replace(headers, ClientCertificateField.Name, ClientCertificateField.Of(request.HttpContext) ?? "");
        Replace(headers, ForwardedClaims.Key, client.Pseudonym ?? "");
        Replace(headers, ClientHeader.Forwarded, ForwardedClaims.CompleteForwarded(request, client, rules) ?? "");
        Replace(headers, LoopMarker.FieldName, string.Join(", ", [.. request.Headers[LoopMarker.FieldName], rules.Mark.Name]));
    }

    private static void Replace(HttpRequestHeaders headers, string name, string value)
    {
        headers.Remove(name);
        if (value.Length > 0)
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }
}

/// <summary>Removes the fields that a message names in Connection; YARP removes the well-known hop-by-hop fields.</summary>
internal static class HopByHop
{
    public static void RemoveNamed(StringValues connection, HttpHeaders headers, HttpHeaders? contentHeaders)
    {
        foreach (var name in ConnectionOptions.FieldsNamedIn(connection))
        {
            Remove(headers, name);
            if (contentHeaders is not null)
            {
                Remove(contentHeaders, name);
            }
        }
    }

    public static void RemoveNamed(IEnumerable<string> connection, IHeaderDictionary headers)
    {
        foreach (var name in connection)
        {
            if (!ConnectionOptions.IsOwn(name))
            {
                headers.Remove(name);
            }
        }
    }

    // Remove throws for invalid names and for fields of the other collection.
    private static void Remove(HttpHeaders headers, string name)
    {
        if (headers.NonValidated.Contains(name))
        {
            headers.Remove(name);
        }
    }
}
