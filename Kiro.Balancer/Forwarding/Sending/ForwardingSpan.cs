using System.Diagnostics;

namespace Kiro.Balancer.Forwarding.Sending;

/// <summary>The span around one try of a request at one node, named as OpenTelemetry's conventions for HTTP clients say.</summary>
internal static class ForwardingSpan
{
    private static readonly ActivitySource Source = new("Kiro.Forwarding");

    /// <returns>Null when this request's is not wanted.</returns>
    public static Activity? Start(ForwardedRequest request, Attempt attempt)
    {
        var span = Source.StartActivity(request.Context.Request.Method, ActivityKind.Client);
        return span?
            .SetTag("http.request.method", request.Context.Request.Method)
            .SetTag("server.address", attempt.Backend.Host)
            .SetTag("server.port", attempt.Backend.Port)
            .SetTag("url.path", request.Context.Request.Path.Value);
    }

    /// <summary>Notes how it ended.</summary>
    public static void End(Activity? span, int status, RequestFailure? failure)
    {
        if (failure is { } broken)
        {
            span?.SetStatus(ActivityStatusCode.Error, broken.Problem).SetTag("error.type", broken.Point.ToString());
        }
        else
        {
            span?.SetTag("http.response.status_code", status);
            if (status >= StatusCodes.Status400BadRequest)
            {
                span?.SetStatus(ActivityStatusCode.Error);
            }
        }
    }
}
