using System.Net;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.Balancer.Forwarding.Streams;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>What changes in a message on its way through, for one try.</summary>
internal sealed class RequestTransformer(ForwardedRequest forwarded, Attempt attempt, OpenStreams streams) : HttpTransformer
{
    private static readonly UriCreationOptions AsWritten = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private ResponseTrailers? _trailers;

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
            proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.UpgradeInsecureRequests, string.Join(", ", wish.ToArray()));
        }

        if (request.Headers.Connection is { Count: > 0 } connection)
        {
            HopByHop.RemoveNamed(connection, proxyRequest.Headers, proxyRequest.Content?.Headers);
        }

        // HttpClient cannot send trailers over HTTP/1.1: none must be promised.
        proxyRequest.Headers.Remove(HeaderNames.Trailer);
        ForwardedHeaders.Set(request, forwarded.Client, forwarded.Mark, proxyRequest.Headers);
        var target = OriginForm.Of(httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        proxyRequest.RequestUri = new Uri(destinationPrefix + target, AsWritten);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        attempt.Settle(answered: proxyResponse is not null);
        var copyBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (proxyResponse is null)
        {
            return copyBody;
        }

        HopByHop.RemoveNamed(proxyResponse.Headers.Connection, httpContext.Response.Headers);
        attempt.Runtime.NoteClosing(proxyResponse.Headers.ConnectionClose == true);

        if (proxyResponse.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            var events = new EventStream(await proxyResponse.Content.ReadAsStreamAsync(cancellationToken), streams);
            streams.Add(events, attempt.Backend);
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
