using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Backends;

/// <summary>Nodes that answer calls of gRPC with what they were sent: one process (bench/GrpcEcho) on five ports.</summary>
internal sealed class GrpcServers : IDisposable
{
    private readonly PinnedProcess _process;

    /// <param name="published">Where bench/run puts what it publishes.</param>
    /// <param name="directory">For its log.</param>
    /// <param name="cores">It runs beside the proxy.</param>
    public GrpcServers(string published, string directory, Cores cores)
    {
        Ports = FreePorts.Take(BackendServers.Count);
        Directory.CreateDirectory(directory);
        var assembly = Path.Combine(published, "grpc-echo", "GrpcEcho.dll");
        _process = new PinnedProcess(new Command(Programs.Find("dotnet") ?? "dotnet", [assembly, .. Ports.Select(port => $"{port}")]), cores.Others, directory);
    }

    public IReadOnlyList<int> Ports { get; }

    public void Dispose() => _process.Dispose();
}
