using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Forwarding.Nodes;

/// <summary><c>openssl s_server -www</c>: answers any request with details of the handshake, and closes.</summary>
internal sealed class OpenSslNode : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("kiro-openssl-");
    private readonly Process _process;

    /// <param name="certificate">With its key.</param>
    /// <param name="options">Such as <c>-tls1_3</c>.</param>
    public OpenSslNode(X509Certificate2 certificate, params string[] options)
    {
        Requirement.Need("openssl", Requirement.Find("openssl") is not null, "openssl is not installed.");
        var (chain, key) = (Path.Combine(_folder.FullName, "cert.pem"), Path.Combine(_folder.FullName, "key.pem"));
        File.WriteAllText(chain, certificate.ExportCertificatePem());
        File.WriteAllText(key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        _process = Process.Start(new ProcessStartInfo("openssl", ["s_server", "-www", "-quiet", "-accept", Port.ToString(CultureInfo.InvariantCulture), "-cert", chain, "-key", key, .. options])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        // Its output is not needed; a full pipe must not block it.
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public int Port { get; } = FreePort.Next();

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
