using Kiro.Balancer.Admin.Contract;

namespace Kiro.Balancer.Forwarding;

/// <summary>The balancer's own response when no node gave one.</summary>
internal static class ErrorAnswer
{
    public static Task WriteAsync(HttpContext context, int status, string problem)
    {
        if (context.Response.HasStarted)
        {
            return Task.CompletedTask;
        }

        context.Response.Clear();
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            return Task.CompletedTask;
        }

        var body = Problem.Body(status, problem);
        context.Response.ContentType = Problem.ContentType;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }
}
