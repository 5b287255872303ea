using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Listening.Tls;

/// <summary>A TLS client that accepts any certificate.</summary>
internal sealed class TlsPeer
{
    /// <summary>The port, for TLS_PORT.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>A client with SNI <c>a.example</c>.</summary>
    /// <param name="certificate">The client certificate.</param>
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

    /// <summary>Performs a handshake and closes.</summary>
    /// <param name="name">SNI.</param>
    /// <returns>The server's certificate.</returns>
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

    /// <summary>Runs <c>openssl s_client</c> with SNI <c>a.example</c>.</summary>
    /// <param name="input">Its standard input.</param>
    /// <param name="arguments">Further arguments.</param>
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
