using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Backends;

/// <summary>Five cheap nodes: one nginx on five ports.</summary>
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

        Ports = FreePorts.Take(Count);
        File.WriteAllText(Path.Combine(directory, "nginx.conf"), Configuration(directory));
        _nginx = new PinnedProcess(new Command(nginx, "-e", "stderr", "-p", directory, "-c", "nginx.conf"), cores.Others, directory);
    }

    public IReadOnlyList<int> Ports { get; }

    public int ProcessId => _nginx.Id;

    public void Dispose() => _nginx.Dispose();

    private string Configuration(string directory) => $$"""
        {{NginxBasics.Of(directory)}}
          sendfile on;
          {{string.Concat(Ports.Select((port, index) => Server(port, $"api-{index + 1}")))}}
        }
        """;

    // The mirror makes nginx read the whole request body before it responds, like an API.
    private static string Server(int port, string node) => $$"""
          server {
            listen 127.0.0.1:{{port}} backlog=4096;
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
