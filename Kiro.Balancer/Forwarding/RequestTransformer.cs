using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding;

/// <summary>What changes in a message on its way through, for one request and its tries.</summary>
internal sealed class RequestTransformer(Client client, OpenStreams streams) : HttpTransformer
{
    private ResponseTrailers? _trailers;

    /// <summary>This try.</summary>
    public Attempt? Attempt { get; set; }

    /// <summary>The client has the whole answer, whatever became of the request's body.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>Undoes what an answer that broke has left behind.</summary>
    public void DiscardAnswer(HttpContext httpContext)
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
            // YARP takes it for a field of the connection, but browsers say it to the node.
            proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.UpgradeInsecureRequests, wish.ToString());
        }

        if (request.Headers.Connection is { Count: > 0 } connection)
        {
            HopByHop.RemoveNamed(connection, proxyRequest.Headers, proxyRequest.Content?.Headers);
        }

        // HttpClient cannot send trailers over HTTP/1.1: none must be promised.
        proxyRequest.Headers.Remove(HeaderNames.Trailer);
        ForwardedHeaders.Set(request, client, proxyRequest.Headers);
        proxyRequest.RequestUri = RequestTarget.At(destinationPrefix, httpContext);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        Attempt!.Settle(answered: proxyResponse is not null);
        var copyBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (proxyResponse is null)
        {
            return copyBody;
        }

        HopByHop.RemoveNamed(proxyResponse.Headers.Connection, httpContext.Response.Headers);
        var closes = proxyResponse.Headers.ConnectionClose == true;
        if (closes != Attempt.Backend.Closes)
        {
            Attempt.Backend.Closes = closes;
            if (closes)
            {
                // Servers that shut down begin to say so like this; a probe finds out whether this one does.
                Attempt.Backend.ProbeNow.Set();
            }
        }

        if (proxyResponse.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            var events = new EventStream(await proxyResponse.Content.ReadAsStreamAsync(cancellationToken), streams);
            streams.Add(events, Attempt.Backend);
            proxyResponse.Content = new StreamContent(events);
        }

        _trailers = ResponseTrailers.Announce(httpContext, proxyResponse);
        // After an upgrade the content is the connection itself.
        if (proxyResponse.StatusCode != HttpStatusCode.SwitchingProtocols && proxyResponse.Content.Headers.ContentLength != 0)
        {
            proxyResponse.Content = new HeadFirstContent(proxyResponse.Content, httpContext.Response);
        }

        return copyBody;
    }

    public override ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        IsAnswered = true;
        return _trailers?.WriteAsync(proxyResponse.TrailingHeaders, cancellationToken) ?? ValueTask.CompletedTask;
    }
}
