using Kiro.SideBySide.Processes;

namespace Kiro.SideBySide.Backends;

/// <summary>Nodes that echo gRPC calls: one process (bench/GrpcEcho) on five ports.</summary>
internal sealed class GrpcServers : IDisposable
{
    private readonly PinnedProcess _process;

    /// <param name="published">The folder to which bench/run publishes.</param>
    /// <param name="directory">The folder of its log.</param>
    /// <param name="cores">The assignment of cores.</param>
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
