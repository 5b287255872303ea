namespace Kiro.SideBySide.Proxies;

/// <summary>The environment of a proxy.</summary>
/// <param name="Port">Its port on 127.0.0.1.</param>
/// <param name="Backends">The ports of the nodes.</param>
/// <param name="Directory">The folder for its configuration and working files.</param>
/// <param name="Clients">How clients are identified.</param>
/// <param name="Workers">The number of cores, workers or threads.</param>
internal sealed record ProxySite(int Port, IReadOnlyList<int> Backends, string Directory, ClientIdentity Clients, int Workers)
{
    /// <summary>Its TLS certificate; null for plain HTTP/1.1.</summary>
    public SiteCertificate? Tls { get; init; }

    /// <summary>Whether the load is gRPC, with HTTP/2 to the nodes.</summary>
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
