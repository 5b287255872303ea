using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>Who comes to a port by TLS, and believes whatever certificate is shown.</summary>
internal sealed class TlsPeer
{
    /// <summary>Where: for TLS_PORT.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>A client that asks for <c>a.example</c>.</summary>
    /// <param name="certificate">Its own.</param>
    public static HttpClient Client(X509Certificate2? certificate = null) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null,
            TargetHost = "a.example",
            ClientCertificates = certificate is null ? null : [certificate],
        },
    });

    /// <summary>Shakes hands and leaves.</summary>
    /// <param name="name">SNI.</param>
    /// <returns>What was shown.</returns>
    public async Task<X509Certificate2> HandshakeAsync(string name)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Port, TestContext.Current.CancellationToken);
        await using var stream = new SslStream(socket.GetStream());
        await stream.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = name,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
                EnabledSslProtocols = SslProtocols.Tls13,
            },
            TestContext.Current.CancellationToken);
        return X509CertificateLoader.LoadCertificate(stream.RemoteCertificate!.Export(X509ContentType.Cert));
    }

    /// <summary>The same by <c>openssl s_client</c>, which asks for <c>a.example</c>.</summary>
    /// <param name="input">What it sends.</param>
    /// <param name="arguments">What else it is told.</param>
    public async Task<string> OpensslAsync(string input, params string[] arguments)
    {
        var openssl = Requirement.Find("openssl");
        Requirement.Need("openssl", openssl is not null, "no openssl is installed.");
        using var process = Process.Start(new ProcessStartInfo(openssl!, ["s_client", "-connect", $"127.0.0.1:{Port}", "-servername", "a.example", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        return await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
