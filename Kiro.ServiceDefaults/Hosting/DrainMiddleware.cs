using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Kiro.ServiceDefaults.Hosting;

/// <summary>Makes keep-alive clients of a draining service reconnect.</summary>
public static class DrainMiddleware
{
    /// <summary>While the service drains, adds <c>Connection: close</c> to HTTP/1.x responses, and sends GOAWAY on HTTP/2
    /// connections (RFC 9113, section 6.8), whose open streams continue.</summary>
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
        // Upgraded connections use this header for the upgrade.
        if (response.StatusCode != StatusCodes.Status101SwitchingProtocols
            && HttpProtocol.IsHttp11(response.HttpContext.Request.Protocol))
        {
            response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
