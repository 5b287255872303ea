using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
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

        var clients = app.ApplicationServices.GetRequiredService<ClientResolver>();
        app.Use(next => context =>
        {
            var request = context.Request;
            if (request.IsHttps || admin.Has(context) || OwnPaths.IsProbe(context) || CameByHttps(context, clients))
            {
                return next(context);
            }

            if (request.Host.Host.Length == 0)
            {
                // Nothing is forwarded from here, not even for who says too little to be sent on.
                return ErrorResponse.WriteAsync(context, StatusCodes.Status400BadRequest, "this port only leads to HTTPS, and without Host there is no telling where");
            }

            var host = port == DefaultPort ? new HostString(request.Host.Host) : new HostString(request.Host.Host, port);
            var target = OriginForm.Of(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, HttpMethods.Get);
            context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
            context.Response.Headers.Location = $"https://{host.ToUriComponent()}{target}";
            return Task.CompletedTask;
        });
    }

    // To a proxy that has taken TLS off, and would be sent back to itself for ever.
    private static bool CameByHttps(HttpContext context, ClientResolver clients) =>
        ForwardedClaims.SaysHttps(context.Request) && clients.IsTrusted(ClientAddress.From(context.Connection.RemoteIpAddress ?? IPAddress.Loopback));
}
