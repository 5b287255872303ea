using System.Text;
using Kiro.Balancer.Forwarding.Sending;

namespace Kiro.Balancer.Forwarding.Yarp;

/// <summary>
/// Keeps <see cref="SocketsHttpHandler"/> from sending a request a second time by itself. It does so, whatever the
/// method, when a connection ends without a response and the request has no content, or has content that still waits
/// for "100 Continue". An empty content stops the first, <see cref="EncodingOf"/> the second.
/// </summary>
internal sealed class SendOnceHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly HttpRequestOptionsKey<bool> WasSent = new("Kiro.WasSent");

    /// <summary>How a field's value is written. The handler asks whenever it writes a head, and that is the one place
    /// where it can be kept from writing the same one again.</summary>
    public static Encoding EncodingOf(string name, HttpRequestMessage request)
    {
        if (name == "Expect" && !RetryPolicy.IsIdempotent(request.Method.Method))
        {
            if (request.Options.TryGetValue(WasSent, out _))
            {
                throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was lost; the request is not sent again.");
            }

            request.Options.Set(WasSent, true);
        }

        return Encoding.Latin1;
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Content is null && request.Method != HttpMethod.Connect && !RetryPolicy.IsIdempotent(request.Method.Method))
        {
            request.Content = new ByteArrayContent([]);
        }
        else if (request.Content is { } body && body.Headers.ContentLength != 0)
        {
            request.Content = new PromptContent(body, request.Options.TryGetValue(ExchangeClock.Key, out var clock) ? clock : null);
        }

        return base.SendAsync(request, cancellationToken);
    }
}
