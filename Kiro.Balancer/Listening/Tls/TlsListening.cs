using Kiro.ServiceDefaults;
using Kiro.ServiceDefaults.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Kiro.Balancer.Listening.Tls;

internal static class TlsListening
{
    /// <summary>A client that has not finished its handshake by then is let go; nginx waits 60 s, which is long for who holds
    /// connections to deny them to others.</summary>
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Listens for HTTPS and HTTP/2, if <c>TLS_PORT</c> is set.</summary>
    /// <param name="builder">The balancer's.</param>
    /// <param name="options">The port and the certificates.</param>
    /// <param name="plain">On the same addresses as this.</param>
    public static void AddTls(this WebApplicationBuilder builder, Reloadable<TlsOptions> options, ListenPort plain)
    {
        builder.Services.AddSingleton(options);
        if (options.Value.Port is not { } port)
        {
            return;
        }

        builder.Services.AddSingleton(new NamedPort(TlsOptions.PortVariable, $"{port}", port));
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
