using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>Tells keep-alive clients of a draining service to come back on another connection.</summary>
public static class DrainMiddleware
{
    /// <summary>While the service drains, adds <c>Connection: close</c> to responses of HTTP/1.x, and ends connections of HTTP/2
    /// with GOAWAY (RFC 9113, section 6.8): what is under way on them goes on.</summary>
    public static void UseConnectionCloseWhileDraining(this IApplicationBuilder app)
    {
        var drain = app.ApplicationServices.GetRequiredService<Drain>();
        app.Use(next => context =>
        {
            if (drain.IsDraining && HttpProtocol.IsHttp2(context.Request.Protocol))
            {
                context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            }
            else if (drain.IsDraining)
            {
                context.Response.OnStarting(CloseAsync, context.Response);
            }

            return next(context);
        });
    }

    private static Task CloseAsync(object state)
    {
        var response = (HttpResponse)state;
        // An upgraded connection has a use of its own for this header.
        if (response.StatusCode != StatusCodes.Status101SwitchingProtocols
            && HttpProtocol.IsHttp11(response.HttpContext.Request.Protocol))
        {
            response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
