namespace Kiro.SideBySide.Proxies;

/// <summary>Where a proxy is to run.</summary>
/// <param name="Port">The port of 127.0.0.1 to listen on.</param>
/// <param name="Backends">The ports of its nodes.</param>
/// <param name="Directory">For its configuration and its working files.</param>
/// <param name="Clients">What it has to tell its clients by.</param>
/// <param name="Workers">How many cores it has, and so how many workers or threads it is to run.</param>
internal sealed record ProxySite(int Port, IReadOnlyList<int> Backends, string Directory, ClientIdentity Clients, int Workers)
{
    /// <summary>What it shows over TLS; null for plain HTTP/1.1.</summary>
    public SiteCertificate? Tls { get; init; }

    /// <summary>Whether calls of gRPC come, and nodes are spoken to with HTTP/2.</summary>
    public bool IsGrpc { get; init; }

    /// <summary>A line of configuration for each node.</summary>
    public string ForEachBackend(Func<int, string> line) => string.Join('\n', Backends.Select(line));

    /// <returns>The file's path.</returns>
    public string Write(string name, string content)
    {
        var file = Path.Combine(Directory, name);
        File.WriteAllText(file, content + "\n");
        return file;
    }
}
