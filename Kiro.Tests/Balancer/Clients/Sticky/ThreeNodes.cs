using Kiro.Tests.Support;

namespace Kiro.Tests.Balancer.Clients.Sticky;

/// <summary>Three nodes that respond with their name.</summary>
internal sealed class ThreeNodes(RawBackend[] nodes) : IAsyncDisposable
{
    public string Hosts => string.Join(',', nodes.Select(node => node.Host));

    public int Count => nodes.Length;

    public string First => nodes[0].Host;

    public static Task<ThreeNodes> StartAsync() => Task.FromResult(new ThreeNodes([Node(), Node(), Node()]));

    public async ValueTask DisposeAsync()
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }
    }

    private static RawBackend Node()
    {
        RawBackend? node = null;
        return node = new RawBackend(exchange => exchange.Head.StartsWith("GET /ws ", StringComparison.Ordinal)
            ? exchange.WriteAsync($"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Node: {node!.Host}\r\n\r\n")
            : exchange.OkAsync(node!.Host));
    }
}
