namespace Kiro.Tests.Sessions;

/// <summary>A program whose nodes keep session state in memory, with its clients.</summary>
internal interface ISessionProgram : IAsyncDisposable
{
    /// <summary>Starts a node with a <c>/health</c> endpoint.</summary>
    /// <param name="number">Its number, from 1.</param>
    /// <param name="port">The port to listen on.</param>
    Task StartNodeAsync(int number, int port);

    /// <summary>Stops a node, which loses its state.</summary>
    Task StopNodeAsync(int number);

    /// <summary>Connects clients, each with its own session.</summary>
    /// <param name="count">The number of clients.</param>
    /// <param name="balancer">The port of the balancer.</param>
    Task ConnectAsync(int count, int balancer);

    /// <summary>Uses the session of every client. A client that lost its session starts another, as its program does.</summary>
    /// <returns>Per client, the name of its node (<c>node-</c> and a number) and how often its session has been used.</returns>
    Task<IReadOnlyList<SessionUse>> UseAsync();
}

/// <summary>The state of a session as its node reports it.</summary>
internal readonly record struct SessionUse(string Node, int Count);
