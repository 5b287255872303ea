using System.Globalization;
using Kiro.Balancer.Admin.Contract;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.ServiceDefaults.Settings;

namespace Kiro.Balancer.Forwarding;

/// <summary>The balancer's own response when no node gave one.</summary>
internal static class ErrorResponse
{
    public static Task WriteAsync(HttpContext context, int status, string problem, int? retryAfter = null)
    {
        if (context.Response.HasStarted)
        {
            return Task.CompletedTask;
        }

        context.Response.Clear();
        if (Grpc.Is(context.Request.ContentType))
        {
            Grpc.Refuse(context.Response, status, problem);
            return Task.CompletedTask;
        }

        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        if ((retryAfter ?? (status is >= StatusCodes.Status502BadGateway and <= StatusCodes.Status504GatewayTimeout ? 1 : null)) is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var (type, body) = ErrorPage.IsFor(status, context.Request.Headers.Accept)
            ? (ErrorPage.ContentType, context.RequestServices.GetRequiredService<Reloadable<ErrorPage>>().Value.Body(status, problem))
            : (Problem.ContentType, Problem.Body(status, problem));
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        return context.Request.Method == HttpMethods.Head ? Task.CompletedTask : context.Response.Body.WriteAsync(body).AsTask();
    }
}
