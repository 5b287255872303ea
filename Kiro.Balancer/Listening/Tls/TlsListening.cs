using System.Net;
using Kiro.Balancer.Clients;
using Kiro.Balancer.Forwarding;
using Kiro.Balancer.Forwarding.Http1.Syntax;
using Kiro.Balancer.Forwarding.Sending;
using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Kiro.Balancer.Listening.Tls;

internal static class TlsListening
{
    /// <summary>Maximum duration of a handshake. nginx allows 60 s, which favours clients that hold connections to exhaust them.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Listens for HTTPS if <c>TLS_PORT</c> is set.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="options">The port and the certificates.</param>
    /// <param name="plain">The plain port, whose addresses are used.</param>
    public static void AddTls(this WebApplicationBuilder builder, Reloadable<TlsOptions> options, ListenPort plain)
    {
        builder.Services.AddSingleton(options);
        if (options.Value.Port is not { } port)
        {
            return;
        }

        builder.Services.AddSingleton(new ConfiguredPort(TlsOptions.PortVariable, $"{port}", port));
        builder.Services.AddSingleton<CertificateStore>();
        builder.Services.AddHostedService<CertificateWatch>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            var store = kestrel.ApplicationServices.GetRequiredService<CertificateStore>();
            kestrel.ListenOn(plain.Addresses, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = HandshakeTimeout,
                    OnConnection = context => ValueTask.FromResult(store.OptionsFor(context.ClientHelloInfo.ServerName)),
                });
            });
        });
    }
}

/// <summary>Redirects plain HTTP to HTTPS with 308, which preserves the method (RFC 9110, section 15.4.9).</summary>
internal static class HttpsRedirect
{
    private const int DefaultPort = 443;

    /// <summary>Redirects every path but the health endpoints, which are probed over plain HTTP.</summary>
    /// <param name="app">The application.</param>
    /// <param name="options">The port to redirect to.</param>
    /// <param name="admin">The admin listener, which is not redirected.</param>
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
            if (request.IsHttps || admin.Accepts(context) || OwnPaths.IsProbe(context) || IsForwardedHttps(context, clients))
            {
                return next(context);
            }

            if (request.Host.Host.Length == 0)
            {
                return ErrorResponse.WriteAsync(context, StatusCodes.Status400BadRequest, "this port only redirects to HTTPS, which requires a Host field");
            }

            var host = port == DefaultPort ? new HostString(request.Host.Host) : new HostString(request.Host.Host, port);
            var target = OriginForm.Of(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, HttpMethods.Get);
            context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
            context.Response.Headers.Location = $"https://{host.ToUriComponent()}{target}";
            return Task.CompletedTask;
        });
    }

    // A trusted proxy has terminated TLS: redirecting would loop.
    private static bool IsForwardedHttps(HttpContext context, ClientResolver clients) =>
        ForwardedClaims.SaysHttps(context.Request) && clients.IsTrusted(ClientAddress.From(context.Connection.RemoteIpAddress ?? IPAddress.Loopback));
}
