using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
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

/// <summary>TLS to clients.</summary>
/// <param name="Port"><c>TLS_PORT</c>: the HTTPS port; null (the default) is off.</param>
/// <param name="Files">The certificates.</param>
/// <param name="ClientAuthorities"><c>TLS_CLIENT_CA</c>: a PEM file with the CAs of client certificates; null requires no client
/// certificate.</param>
/// <param name="RedirectPort"><c>TLS_REDIRECT</c>: redirects the plain port to <c>TLS_PORT</c> (<c>on</c>) or to the port under which that is
/// published; null (<c>off</c>) is the default.</param>
internal sealed record TlsOptions(int? Port, CertificateFiles? Files, X509Certificate2Collection? ClientAuthorities, int? RedirectPort)
{
    public const string PortVariable = "TLS_PORT";

    private const string AuthorityVariable = "TLS_CLIENT_CA";

    /// <summary>Of <c>TLS_CLIENT_CA</c>: room for a thousand CAs.</summary>
    private const int MaxAuthorityBytes = 2 * 1024 * 1024;

    /// <summary>The fingerprint of the certificate files, so that new content makes the options differ.</summary>
    public ulong Content { get; init; }

    public static TlsOptions Off { get; } = new(null, null, null, null);

    public static TlsOptions Read(SettingsReader settings) => Read(settings, null);

    /// <param name="settings">The settings.</param>
    /// <param name="inForce">The current files; null at the start.</param>
    public static TlsOptions Read(SettingsReader settings, CertificateFiles? inForce)
    {
        var files = CertificateFiles.Read(settings, inForce);
        var authorities = ReadAuthorities(settings);
        var redirect = ReadRedirect(settings);
        if (settings.Text(PortVariable) is null)
        {
            var without = files?.Variable ?? (redirect is not null ? "TLS_REDIRECT" : settings.Text(AuthorityVariable) is not null ? AuthorityVariable : null);
            if (without is not null)
            {
                settings.Reject(PortVariable, "", $"a port, because {without} is set");
            }

            return Off;
        }

        var port = settings.Port(PortVariable, 1);
        if (files is null)
        {
            settings.Reject(PortVariable, settings.Text(PortVariable)!, "TLS_CERTIFICATE and TLS_KEY, or TLS_CERTIFICATES, beside it");
        }

        return new TlsOptions(port, files, authorities, redirect is 0 ? port : redirect) { Content = files?.Fingerprint() ?? 0 };
    }

    /// <summary>Rejects a port that another listener uses.</summary>
    public void RejectPortOf(SettingsReader settings, ListenPort plain)
    {
        if (Port == plain.Port)
        {
            settings.Reject(PortVariable, settings.Text(PortVariable)!, $"a port of its own, and {plain.Port} is {plain.Variable}");
        }
    }

    private static X509Certificate2Collection? ReadAuthorities(SettingsReader settings)
    {
        if (settings.FileText(AuthorityVariable, MaxAuthorityBytes, "a readable PEM file with certificates") is not { } text)
        {
            return null;
        }

        var (authorities, path) = (new X509Certificate2Collection(), settings.Text(AuthorityVariable)!);
        try
        {
            authorities.ImportFromPem(text);
            if (authorities.Count == 0)
            {
                settings.Reject(AuthorityVariable, path, "a PEM file with at least one certificate");
            }
        }
        catch (CryptographicException problem)
        {
            settings.Reject(AuthorityVariable, path, $"a PEM file with certificates ({CertificateFiles.Reason(problem)})");
        }

        return authorities;
    }

    // 0 stands for TLS_PORT.
    private static int? ReadRedirect(SettingsReader settings)
    {
        const string Variable = "TLS_REDIRECT";
        switch (settings.Text(Variable) ?? "off")
        {
            case "off":
                return null;
            case "on":
                return 0;
            case var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535:
                return port;
            case var text:
                settings.Reject(Variable, text, "on, off, or a port from 1 to 65535");
                return null;
        }
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
