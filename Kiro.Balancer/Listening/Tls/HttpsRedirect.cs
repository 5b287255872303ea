using Kiro.Balancer.Forwarding.Http1.Syntax;
using Microsoft.AspNetCore.Http.Features;

namespace Kiro.Balancer.Listening.Tls;

/// <summary>Sends who comes in plain to HTTPS: 308, so that a POST stays one (RFC 9110, section 15.4.9).</summary>
internal static class HttpsRedirect
{
    private const int DefaultPort = 443;

    /// <summary>Adds it for every path but the health endpoints, which probes ask in plain.</summary>
    /// <param name="app">The balancer.</param>
    /// <param name="options">Where to.</param>
    /// <param name="admin">Whoever comes in there stays.</param>
    public static void UseHttpsRedirect(this IApplicationBuilder app, TlsOptions options, AdminListener admin)
    {
        if (options.RedirectPort is not { } port)
        {
            return;
        }

        app.Use(next => context =>
        {
            var request = context.Request;
            if (request.IsHttps || admin.Has(context) || request.Path.Value is "/health" or "/alive" || request.Host.Host.Length == 0)
            {
                return next(context);
            }

            var host = port == DefaultPort ? new HostString(request.Host.Host) : new HostString(request.Host.Host, port);
            var target = OriginForm.Of(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, HttpMethods.Get);
            context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
            context.Response.Headers.Location = $"https://{host.ToUriComponent()}{target}";
            return Task.CompletedTask;
        });
    }
}
