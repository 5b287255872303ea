namespace Kiro.Balancer.Forwarding;

/// <summary>The balancer's own answer when no node gave one.</summary>
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

        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : context.Response.WriteAsJsonAsync(new ErrorText(status, problem), ErrorAnswerJson.Default.ErrorText);
    }

    internal sealed record ErrorText(int Status, string Error);
}
