using Kiro.SideBySide.Processes;
using Kiro.SideBySide.Proxies;

namespace Kiro.SideBySide.Backends;

/// <summary>Five cheap nodes: one nginx on five ports, and on five more with TLS.</summary>
internal sealed class BackendServers : IDisposable
{
    public const int Count = 5;

    private readonly PinnedProcess _nginx;

    /// <exception cref="InvalidOperationException">nginx is not installed, or does not start.</exception>
    public BackendServers(string directory, Cores cores)
    {
        var nginx = Programs.Find("nginx")
            ?? throw new InvalidOperationException("the backends need nginx: apt-get install nginx");
        Directory.CreateDirectory(Path.Combine(directory, "files"));
        foreach (var exchange in new[] { BackendFiles.TenKilobytes, BackendFiles.Megabyte })
        {
            File.WriteAllBytes(Path.Combine(directory, "files" + exchange.Path), BackendFiles.Content(exchange));
        }

        Certificate = SiteCertificate.Write(directory);
        var ports = FreePorts.Take(2 * Count);
        (Ports, TlsPorts) = ([.. ports.Take(Count)], [.. ports.Skip(Count)]);
        File.WriteAllText(Path.Combine(directory, "nginx.conf"), Configuration(directory));
        _nginx = new PinnedProcess(new Command(nginx, "-e", "stderr", "-p", directory, "-c", "nginx.conf"), cores.Others, directory);
    }

    public IReadOnlyList<int> Ports { get; }

    public IReadOnlyList<int> TlsPorts { get; }

    /// <summary>The certificate on <see cref="TlsPorts"/>, which is its own authority.</summary>
    public SiteCertificate Certificate { get; }

    public int ProcessId => _nginx.Id;

    public void Dispose() => _nginx.Dispose();

    private string Configuration(string directory) => $$"""
        {{NginxBasics.Of(directory)}}
          sendfile on;
          ssl_certificate {{Certificate.Certificate}};
          ssl_certificate_key {{Certificate.Key}};
          ssl_protocols TLSv1.2 TLSv1.3;
          {{string.Concat(Ports.Select((port, index) => Server(port, TlsPorts[index], $"api-{index + 1}")))}}
        }
        """;

    // The mirror makes nginx read the whole request body before it responds, like an API.
    private static string Server(int port, int tlsPort, string node) => $$"""
          server {
            listen 127.0.0.1:{{port}} backlog=4096;
            listen 127.0.0.1:{{tlsPort}} ssl backlog=4096;
            root files;
            default_type application/json;
            location = / { return 200 '{{BackendFiles.NodeResponse(node)}}'; }
            location = /health { return 200 '{"status":"ok","node":"{{node}}"}'; }
            location = /post { mirror /read; alias files/10k; error_page 405 =200 @taken; }
            location = /read { internal; return 204; }
            location @taken { return 200 '{{BackendFiles.NodeResponse(node)}}'; }
          }
        """;
}
