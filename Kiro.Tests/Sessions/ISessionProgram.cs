namespace Kiro.Tests.Sessions;

/// <summary>A program whose nodes keep something of a client in memory, and clients of it.</summary>
internal interface ISessionProgram : IAsyncDisposable
{
    /// <summary>Starts a node, which answers <c>GET /health</c>.</summary>
    /// <param name="number">From 1.</param>
    /// <param name="port">Where it listens.</param>
    Task StartNodeAsync(int number, int port);

    /// <summary>The node dies, and everything that it knew.</summary>
    Task StopNodeAsync(int number);

    /// <summary>Connects clients, each of which begins a session.</summary>
    /// <param name="count">How many.</param>
    /// <param name="balancer">The port.</param>
    Task ConnectAsync(int count, int balancer);

    /// <summary>Every client does something in its session; one that has lost it begins another, as its program does.</summary>
    /// <returns>By client, the name of the node (<c>node-</c> and its number), and how often the session was used by now.</returns>
    Task<IReadOnlyList<SessionUse>> UseAsync();
}

/// <summary>What a node says of a session.</summary>
internal readonly record struct SessionUse(string Node, int Count);
